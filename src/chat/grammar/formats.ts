/** The formats of JSON Schema that are enforced, as patterns. Others are annotations. */

const date = "\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))";
const time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
const byte = "(\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])";
const label = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?";
const host = `${label}(\\.${label}){1,3}`;

/** RFC 3339, 4122, 5321 and their like, in forms that all validators accept. */
export const formatPatterns: Readonly<Record<string, string>> = {
  date: `^${date}$`,
  time: `^${time}$`,
  "date-time": `^${date}T${time}$`,
  duration:
    "^P(\\d{1,4}W|(\\d{1,4}Y(\\d{1,4}M(\\d{1,4}D)?)?|\\d{1,4}M(\\d{1,4}D)?|\\d{1,4}D)(T\\d{1,4}H(\\d{1,4}M(\\d{1,4}S)?)?)?|T(\\d{1,4}H(\\d{1,4}M(\\d{1,4}S)?)?|\\d{1,4}M(\\d{1,4}S)?|\\d{1,4}S))$",
  uuid: "^[\\da-f]{8}-[\\da-f]{4}-[1-5][\\da-f]{3}-[89ab][\\da-f]{3}-[\\da-f]{12}$",
  email: `^[a-z0-9]([a-z0-9_+-]{0,30}[a-z0-9])?(\\.[a-z0-9]{1,16}){0,2}@${host}$`,
  hostname: `^${host}$`,
  ipv4: `^${byte}(\\.${byte}){3}$`,
  ipv6: "^[\\da-f]{1,4}(:[\\da-f]{1,4}){7}$",
  uri: `^https?://${host}(:[1-9]\\d{1,3})?(/[A-Za-z0-9._~-]{1,32}){0,8}/?(\\?[A-Za-z0-9._~=&-]{1,128})?$`,
};
