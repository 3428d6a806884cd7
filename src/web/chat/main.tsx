/** The chat page. */
import "../common/base.css";
import "../markdown/markdown.css";
import "./chat.css";
import { render } from "preact";
import { takeKeyFromAddress } from "../common/key.js";
import { applyLanguage } from "../common/texts.js";
import { showTheme } from "../common/theme.js";
import { ChatApp } from "./app.js";
import { Page } from "./views/page.js";

takeKeyFromAddress();
showTheme();
applyLanguage();
const app = new ChatApp();
const place = document.getElementById("app");
if (place) render(<Page app={app} />, place);
void app.start();
