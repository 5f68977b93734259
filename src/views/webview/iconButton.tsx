import type { ComponentChildren } from 'preact';

interface IconButtonProps {
  /** For the tooltip and for screen readers. */
  name: string;
  disabled?: boolean;
  onClick: () => void;
  children: ComponentChildren;
}

/** A button that shows only an icon. */
export function IconButton({ name, disabled = false, onClick, children }: IconButtonProps) {
  return (
    <button type="button" class="icon" aria-label={name} title={name} disabled={disabled} onClick={onClick}>
      {children}
    </button>
  );
}
