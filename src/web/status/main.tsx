/** The status page: what the server does, live, from what it tells everybody who may ask a model. */
import "../common/base.css";
import "./status.css";
import { render } from "preact";
import { takeKeyFromAddress } from "../common/key.js";
import { applyLanguage, t } from "../common/texts.js";
import { showTheme } from "../common/theme.js";
import { StatusFeed } from "./feed.js";
import { StatusPage } from "./page.js";

takeKeyFromAddress();
showTheme();
applyLanguage();
document.title = `${t("status")} - hearth`;
const feed = new StatusFeed();
const place = document.getElementById("app");
if (place) render(<StatusPage feed={feed} />, place);
feed.start();
