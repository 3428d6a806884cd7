/**
 * Time and day in the languages of kiosks. Written out here, for the tables that Intl reads them from take more memory than all else of
 * a kiosk on a console. Pure.
 */

export const kioskLanguages = ["en", "de"] as const;
export type KioskLanguage = (typeof kioskLanguages)[number];

const days = {
  en: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
  de: ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
} as const;

const months = {
  en: "January February March April May June July August September October November December".split(" "),
  de: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(" "),
} as const;

/** `8:05 AM`, `8:05`. `isClock`: with two digits for the hour, so that nothing moves when it changes. */
export function timeText(now: Date, language: KioskLanguage, isClock = false): string {
  const [hours, minutes] = [now.getHours(), String(now.getMinutes()).padStart(2, "0")];
  const hour = String(language === "de" ? hours : hours % 12 || 12).padStart(isClock ? 2 : 1, "0");
  return `${hour}:${minutes}${language === "de" ? "" : hours < 12 ? " AM" : " PM"}`;
}

/** `Tuesday`, `Dienstag`. */
export function dayText(now: Date, language: KioskLanguage): string {
  return days[language][now.getDay()] ?? "";
}

/** `Tuesday, December 1`, `Dienstag, 1. Dezember`. */
export function dateText(now: Date, language: KioskLanguage): string {
  const month = months[language][now.getMonth()] ?? "";
  const date = language === "de" ? `${now.getDate()}. ${month}` : `${month} ${now.getDate()}`;
  return `${dayText(now, language)}, ${date}`;
}
