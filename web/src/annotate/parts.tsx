import { type ComponentChildren, createContext, type JSX } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { imageAddress } from "./api";
import { letGo } from "./hooks";

/** Below this an image is shown by its pixels, not smoothed. */
const kSmall = 65;

export function pixelated(shape: [number, number, number]): string {
  return Math.max(shape[1], shape[2]) < kSmall ? "pixels" : "";
}

/** What all images of a page share: the data's name, and how often a lost server has come back. */
export const Images = createContext({ key: "", returns: 0 });

/** An image of the data. One that did not load because the server was lost loads when it is back. */
export function Picture({ id, big, name, kind }: { id: number; big?: boolean; name?: string; kind: string }) {
  const { key, returns } = useContext(Images);
  const failed = useRef(false);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (failed.current) setAttempt(returns);
    failed.current = false;
  }, [returns]);
  return (
    <img
      key={attempt}
      class={kind}
      src={imageAddress(id, big === true, key)}
      alt={name ?? `image ${id}`}
      data-image={id}
      decoding={big ? "sync" : "async"}
      draggable={false}
      onError={() => (failed.current = true)}
    />
  );
}

interface ButtonProps {
  children: ComponentChildren;
  onClick: () => void;
  shortcut?: string;
  kind?: string;
  disabled?: boolean;
  title?: string;
}

/** A button that shows the key which does the same. */
export function Button({ children, onClick, shortcut, kind, disabled, title }: ButtonProps) {
  const clicked = (event: JSX.TargetedMouseEvent<HTMLButtonElement>) => {
    letGo(event);
    onClick();
  };
  return (
    <button type="button" class={kind} onClick={clicked} disabled={disabled} title={title} aria-keyshortcuts={shortcut}>
      {children}
      {shortcut && <kbd aria-hidden="true">{shortcut === "Escape" ? "Esc" : shortcut}</kbd>}
    </button>
  );
}

/** 1234567 as 1,234,567. */
export function counted(count: number): string {
  return count.toLocaleString("en-GB");
}

export function plural(count: number, one: string): string {
  return `${counted(count)} ${one}${count === 1 ? "" : "s"}`;
}

export function percent(part: number): string {
  return `${(100 * part).toFixed(part > 0.995 && part < 1 ? 1 : 0)} %`;
}

export function clusterName({ id, name }: { id: number; name: string }): string {
  return name || `Cluster ${id}`;
}
