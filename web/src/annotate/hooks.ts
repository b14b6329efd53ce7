import { useEffect, useReducer, useRef } from "preact/hooks";
import type { Session } from "./session";

/** Draws the component again whenever the session changes. */
export function useSession(session: Session): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => session.subscribe(() => redraw(undefined)), [session]);
}

export type Keys = Record<string, (event: KeyboardEvent) => void>;

/**
 * Single keys of a page, by `event.key`; letters in lower case. What has a use of its own for a key (a
 * text field, a button and the space bar, an open dialog) keeps it.
 */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      // Where a keyboard has them only with Alt or AltGr, signs are still typed.
      const sign = event.altKey && event.key.length === 1 && !/[\p{L}\d ]/u.test(event.key);
      if (event.defaultPrevented || (!sign && (event.ctrlKey || event.metaKey || event.altKey))) return;
      if (event.target instanceof Element && usesItself(event.target, event.key)) return;
      const act = latest.current[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act) return;
      event.preventDefault();
      if (!event.repeat) act(event); // A key held down is one answer.
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

function usesItself(target: Element, key: string): boolean {
  if (target.closest("input[type=range]")) return key.startsWith("Arrow");
  if (target.closest("input, textarea, select, dialog")) return true;
  return (key === " " || key === "Enter") && target.closest("button, a, summary, [role=listbox]") !== null;
}

/** After a click by mouse the space bar belongs to the page again, not to the button. */
export function letGo(event: MouseEvent): void {
  if (event.detail > 0 && event.currentTarget instanceof HTMLElement) event.currentTarget.blur();
}
