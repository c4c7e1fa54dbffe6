// What the server wrote into the page about the session.
export interface Facts {
  base: string;
  hub: string;
  xsrf: string;
  usdPerHour: number;
  started: number; // seconds since 1970, by the server's clock
  now: number; // likewise, when the page was made
}

export const facts: Facts = JSON.parse(document.getElementById("facts")!.textContent!) as Facts;

export function at(path: string): string {
  return `${facts.base}somahub/${path}`;
}

export function find<T extends HTMLElement>(selector: string): T {
  const element = document.querySelector<T>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}
