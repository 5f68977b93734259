import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" aria-hidden="true">
      {children}
    </svg>
  );
}

/** An arrow up. */
export const SendIcon = () => (
  <Icon>
    <path d="M8 13V3.5M3.5 7.5 8 3l4.5 4.5" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** An arrow down. */
export const DownIcon = () => (
  <Icon>
    <path d="M8 3v9.5M3.5 8.5 8 13l4.5-4.5" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** Two sheets. */
export const CopyIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M3.5 10.5h-.5a.5.5 0 0 1-.5-.5V3a.5.5 0 0 1 .5-.5h7a.5.5 0 0 1 .5.5v.5" stroke-linecap="round" />
  </Icon>
);

/** A pencil. */
export const EditIcon = () => (
  <Icon>
    <path d="m3 13 .7-3.2 7-7a1.1 1.1 0 0 1 1.6 0l.9.9a1.1 1.1 0 0 1 0 1.6l-7 7L3 13Z" stroke-linejoin="round" />
    <path d="m9.5 4 2.5 2.5" />
  </Icon>
);

/** A bin. */
export const DeleteIcon = () => (
  <Icon>
    <path
      d="M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.6 9h6.8l.6-9M6.7 7v4M9.3 7v4"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </Icon>
);

/** Two arrows that follow each other round. */
export const ResyncIcon = () => (
  <Icon>
    <path
      d="M13 6.5A5.3 5.3 0 0 0 3.6 5M3 9.5A5.3 5.3 0 0 0 12.4 11M3.4 2v3.2h3.2M12.6 14v-3.2H9.4"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </Icon>
);

/** A cross. */
export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" stroke-linecap="round" />
  </Icon>
);
