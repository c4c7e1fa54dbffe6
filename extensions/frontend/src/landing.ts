import { find } from "./facts.js";
import { keepShowing } from "./meter.js";
import { stopButton } from "./stop.js";

keepShowing(({ time, cost }) => {
  find(".time").textContent = time;
  find(".cost").textContent = cost;
});
stopButton();
