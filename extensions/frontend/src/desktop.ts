import "./plain.js";
import { Clipboard } from "./clipboard.js";
import { find } from "./facts.js";
import { keepShowing } from "./meter.js";
import { type Notice, Screen } from "./screen.js";
import { stopButton } from "./stop.js";

const QUIET = 400; // ms that a drop may last before anything is said of it
const TOLD = 8000; // ms that a message of something past stays

declare global {
  interface Window {
    somahub: { firstFrameAt?: number };
  }
}
window.somahub = {};

const notice = find("#notice");
let saying = 0;

function say(message: Notice | null, after = 0): void {
  clearTimeout(saying);
  if (!message) {
    notice.hidden = true;
    return;
  }
  saying = window.setTimeout(() => {
    notice.className = message.working ? "working" : "";
    notice.replaceChildren(message.line);
    if (message.link) {
      const link = document.createElement("a");
      link.href = message.link.href;
      link.textContent = message.link.text;
      notice.append(" ", link);
    }
    notice.hidden = false;
  }, after);
}

let opening = "";

/** Nothing to say of the connection: say what is still to come, if anything is. */
function settled(): void {
  say(opening ? { line: `${opening} is opening…`, working: true } : null, QUIET);
}

const screen = new Screen(find("#screen"), {
  connected() {
    document.body.dataset.connected = "true";
    if (window.somahub.firstFrameAt === undefined) {
      window.somahub.firstFrameAt = performance.now();
      document.body.dataset.firstFrame = window.somahub.firstFrameAt.toFixed(1);
      screen.focus();
      void clipboard.sync();
    }
    settled();
  },
  restarted() {
    say({ line: "The desktop ended and was started again. Programs that were open in it are closed." });
    saying = window.setTimeout(() => say(null), TOLD);
  },
  dropped(message) {
    delete document.body.dataset.connected;
    say(message, notice.hidden ? QUIET : 0);
  },
  opening(title) {
    opening = title;
    settled();
  },
  copied(text) {
    void clipboard.copied(text);
  },
});
const clipboard = new Clipboard(screen);

keepShowing(({ time, cost }) => {
  find(".meter").textContent = `${time} · ${cost}`;
});
stopButton();

const full = find("#full");
full.addEventListener("click", () => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen();
  screen.focus();
});
document.addEventListener("fullscreenchange", () => {
  full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
});

// The way out for somebody without a mouse: inside the desktop every key, Tab too, belongs to it.
window.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey && event.altKey && event.code === "KeyB") {
      event.preventDefault();
      event.stopImmediatePropagation();
      find("#clipboard-open").focus();
    }
  },
  { capture: true },
);
