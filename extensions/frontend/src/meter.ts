// Time and cost so far, as they go on.
import { facts } from "./facts.js";

// The person's clock may be wrong: count from the server's.
const skew = Date.now() / 1000 - facts.now;

export function soFar(): { time: string; cost: string } {
  const seconds = Math.max(0, Date.now() / 1000 - skew - facts.started);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return {
    time: hours ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min` : `${minutes} min`,
    cost: facts.usdPerHour ? `$${((seconds / 3600) * facts.usdPerHour).toFixed(2)}` : "no charge",
  };
}

export function keepShowing(show: (now: { time: string; cost: string }) => void): void {
  show(soFar());
  setInterval(() => show(soFar()), 5000);
}
