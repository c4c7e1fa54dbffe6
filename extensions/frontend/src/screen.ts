// The desktop's picture: connects, and after a drop connects again, with the last picture left standing meanwhile.
import RFB from "@novnc/novnc";
import { at, facts } from "./facts.js";

const FIRST_WAIT = 250; // ms; doubles up to LONGEST_WAIT
const LONGEST_WAIT = 4000;
const ASLEEP = 20_000; // a timer this late means that the computer slept, and the connection is likely dead

export interface Watcher {
  connected(): void;
  restarted(): void;
  dropped(notice: Notice): void;
  copied(text: string): void;
  /** What is on its way onto the desktop; empty once it is there. */
  opening(title: string): void;
}

export interface Notice {
  line: string;
  link?: { text: string; href: string };
  working?: boolean;
}

interface Status {
  state: "absent" | "starting" | "up" | "failed";
  starts: number;
  line: string;
  opening: string;
}

export class Screen {
  private rfb: RFB | null = null;
  private wait = FIRST_WAIT;
  private timer = 0;
  private starts: number | null = null;
  private died = false;

  constructor(
    private readonly target: HTMLElement,
    private readonly watcher: Watcher,
  ) {
    this.connect();
    this.wakeUp();
  }

  focus(): void {
    this.rfb?.focus({ preventScroll: true });
  }

  paste(text: string): void {
    this.rfb?.clipboardPasteFrom(text);
  }

  private connect(): void {
    const url = new URL(at("screen"), location.href);
    url.searchParams.set("_xsrf", facts.xsrf);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const rfb = new RFB(this.target, url.href, { shared: true });
    this.rfb = rfb;
    rfb.resizeSession = true;
    rfb.background = "transparent";
    const canvas = this.target.querySelector("canvas:not(.last)") as HTMLCanvasElement;
    rfb.addEventListener("connect", () => {
      this.wait = FIRST_WAIT;
      const looked = this.look();
      watchFirstFrame(canvas, () => {
        this.target.querySelector(".last")?.remove();
        this.watcher.connected();
        void looked.then(() => {
          if (this.died) this.watcher.restarted();
          this.died = false;
        });
      });
    });
    rfb.addEventListener("disconnect", () => {
      if (rfb !== this.rfb) return;
      this.keepLast(canvas);
      void this.again();
    });
    rfb.addEventListener("clipboard", (event) => {
      this.watcher.copied((event as CustomEvent<{ text: string }>).detail.text);
    });
  }

  /** Leave the last picture where the live one was. */
  private keepLast(canvas: HTMLCanvasElement): void {
    if (!canvas.width || this.target.querySelector(".last")) return;
    canvas.className = "last";
    this.target.append(canvas);
  }

  private async again(): Promise<void> {
    this.watcher.dropped(await this.why());
    this.timer = window.setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  private async why(): Promise<Notice> {
    let answer: Response;
    try {
      answer = await ask();
    } catch {
      return { line: "Reconnecting…", working: true };
    }
    const fromSession = answer.headers.has("X-Somahub-Session");
    if (fromSession && answer.status === 403) {
      return { line: "You are logged out.", link: { text: "Log in again", href: location.href } };
    }
    if (!fromSession && answer.status !== 502 && answer.status !== 504) {
      return { line: "This session has ended.", link: { text: "All sessions", href: `${facts.hub}home` } };
    }
    if (!answer.ok) return { line: "Reconnecting…", working: true };
    const status = (await answer.json()) as Status;
    this.note(status);
    if (status.state === "up") return { line: "Reconnecting…", working: true };
    if (status.state === "starting") return { line: "The desktop is starting…", working: true };
    if (status.state === "absent") {
      return { line: "This session has no desktop.", link: { text: "The session's page", href: at("") } };
    }
    return {
      line: `The desktop cannot start: ${status.line || "its display server ends at once"}.`,
      link: { text: "The session's page", href: at("") },
    };
  }

  /** Learn how often the display server has started, and so whether it died under us; and what is still to open. */
  private async look(): Promise<void> {
    const rfb = this.rfb;
    let opening = "";
    do {
      const answer = await ask().catch(() => null);
      if (!answer?.ok || rfb !== this.rfb) return;
      const status = (await answer.json()) as Status;
      this.note(status);
      if (status.opening !== opening) this.watcher.opening(status.opening);
      opening = status.opening;
      await new Promise((next) => setTimeout(next, 700));
    } while (opening);
  }

  private note(status: Status): void {
    this.died = this.died || (this.starts !== null && status.starts > this.starts);
    this.starts = status.starts;
  }

  /** After sleep or a change of network the old connection may hang for minutes: replace it at once. */
  private wakeUp(): void {
    const renew = (): void => {
      clearTimeout(this.timer);
      const old = this.rfb;
      const canvas = this.target.querySelector<HTMLCanvasElement>("canvas:not(.last)");
      this.rfb = null;
      old?.disconnect();
      if (canvas) this.keepLast(canvas);
      this.connect();
    };
    window.addEventListener("online", renew);
    let last = Date.now();
    setInterval(() => {
      if (Date.now() - last > ASLEEP) renew();
      last = Date.now();
    }, 5000);
  }
}

function ask(): Promise<Response> {
  return fetch(at("api/status"), { headers: { "X-XSRFToken": facts.xsrf }, signal: AbortSignal.timeout(4000) });
}

const BLACK_AT_MOST = 2000; // ms after which a wholly black screen is taken for what it is

/** Calls back once the canvas shows a picture of the desktop: some pixel of a row or a column of it is not black. */
function watchFirstFrame(canvas: HTMLCanvasElement, then: () => void): void {
  const since = performance.now();
  const look = (): void => {
    const { width, height } = canvas;
    if (width > 0 && height > 0) {
      const drawn = canvas.getContext("2d")!;
      // The panel lies at the lower edge; a program may well show black in the middle.
      const lines = [drawn.getImageData(0, height - 8, width, 1), drawn.getImageData(width >> 1, 0, 1, height)];
      const painted = lines.some(({ data }) => data.some((value, place) => value > 0 && place % 4 < 3));
      if (painted || performance.now() - since > BLACK_AT_MOST) return then();
    }
    if (canvas.isConnected) requestAnimationFrame(look);
  };
  look();
}
