/** Light or dark: as the device is, or as somebody chose on this one. */
import { preferences } from "./preferences.js";

export type Theme = "system" | "light" | "dark";

export function chosenTheme(): Theme {
  const theme = preferences.get("theme");
  return theme === "light" || theme === "dark" ? theme : "system";
}

export function showTheme(theme: Theme = chosenTheme()): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset.theme;
  else dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  preferences.set("theme", theme === "system" ? null : theme);
  showTheme(theme);
}
