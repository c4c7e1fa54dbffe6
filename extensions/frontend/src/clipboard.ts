// One clipboard, here and in the desktop: by itself where the browser allows it, by a text box everywhere.
import { find } from "./facts.js";
import type { Screen } from "./screen.js";

export class Clipboard {
  private text = ""; // what both sides hold
  private unwritten = false; // the desktop's text waits for this page to have the focus
  private readonly box = find<HTMLTextAreaElement>("#clipboard-text");
  private readonly panel = find("#clipboard");
  private readonly button = find("#clipboard-open");
  private readonly hint = find("#clipboard-hint");
  private readonly allow = find<HTMLButtonElement>("#clipboard-allow");

  constructor(private readonly screen: Screen) {
    this.button.addEventListener("click", () => this.show(this.panel.hidden));
    this.box.addEventListener("input", () => this.send(this.box.value));
    this.allow.addEventListener("click", () => void this.read());
    window.addEventListener("focus", () => void this.sync());
    document.addEventListener("pointerenter", () => void this.sync());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show(false);
    });
  }

  /** Text was copied in the desktop. */
  async copied(text: string): Promise<void> {
    if (text === this.text) return;
    this.text = text;
    this.box.value = text;
    this.unwritten = true;
    await this.write();
  }

  /** What the browser's clipboard holds goes to the desktop, where no question would be asked. */
  async sync(): Promise<void> {
    await this.write();
    if ((await this.permission()) === "granted") await this.read();
  }

  private async write(): Promise<void> {
    if (!this.unwritten || !document.hasFocus() || !navigator.clipboard) return;
    try {
      await navigator.clipboard.writeText(this.text);
      this.unwritten = false;
    } catch {
      // The text box still has it.
    }
  }

  private async read(): Promise<void> {
    try {
      this.send(await navigator.clipboard.readText());
    } catch {
      // Not allowed, or no text in it.
    }
    void this.explain();
  }

  private send(text: string): void {
    if (!text || text === this.text) return;
    this.text = text;
    this.unwritten = false;
    if (this.box.value !== text) this.box.value = text;
    this.screen.paste(text);
  }

  private show(open: boolean): void {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (!open) return this.screen.focus();
    this.box.focus();
    this.box.select();
    void this.explain();
  }

  private async explain(): Promise<void> {
    const permission = await this.permission();
    this.allow.hidden = permission !== "prompt";
    this.hint.textContent =
      permission === "granted" ? "Both keep in step by themselves: copy here, paste there, and back." : "";
    this.hint.hidden = !this.hint.textContent;
  }

  private async permission(): Promise<PermissionState | "unknown"> {
    try {
      return (await navigator.permissions.query({ name: "clipboard-read" as PermissionName })).state;
    } catch {
      return "unknown"; // Firefox and Safari have no such permission: there the text box serves
    }
  }
}
