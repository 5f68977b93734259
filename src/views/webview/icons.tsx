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

/** A full square. */
export const StopIcon = () => (
  <Icon>
    <rect x="4.5" y="4.5" width="7" height="7" rx="1" fill="currentColor" />
  </Icon>
);

/** An arrow that goes round. */
export const RegenerateIcon = () => (
  <Icon>
    <path d="M12.9 6.2A5.2 5.2 0 1 0 13.2 9M13.2 2.6v3.8H9.4" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** A paper clip. */
export const AttachIcon = () => (
  <Icon>
    <path
      d="M11 5.5 6.6 9.9a1.2 1.2 0 0 0 1.7 1.7L13 6.9a2.6 2.6 0 0 0-3.7-3.7L4.5 8a4 4 0 0 0 5.7 5.7L13 10.9"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </Icon>
);

/** A small angle that points down. */
export const ChevronDownIcon = () => (
  <Icon>
    <path d="m5 6.5 3 3 3-3" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** An angle that points to the left. */
export const PreviousIcon = () => (
  <Icon>
    <path d="M9.5 4.5 6 8l3.5 3.5" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** An angle that points to the right. */
export const NextIcon = () => (
  <Icon>
    <path d="M6.5 4.5 10 8l-3.5 3.5" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** An arrow up, as thin as the one down. */
export const UpIcon = () => (
  <Icon>
    <path d="M8 13V3.5M3.5 7.5 8 3l4.5 4.5" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** A tick. */
export const CheckIcon = () => (
  <Icon>
    <path d="m3.5 8.5 3 3 6-7" stroke-linecap="round" stroke-linejoin="round" />
  </Icon>
);

/** A text cursor with an arrow that points to it. */
export const InsertIcon = () => (
  <Icon>
    <path
      d="M10.5 2.5h3M10.5 13.5h3M12 2.5v11M2 8h6.5M6 5.5 8.5 8 6 10.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </Icon>
);

/** A sheet with a plus. */
export const NewFileIcon = () => (
  <Icon>
    <path
      d="M9 2.5H4a.5.5 0 0 0-.5.5v10a.5.5 0 0 0 .5.5h3.5M9 2.5V6h3.5M9 2.5 12.5 6v1.5M11.5 9.5v5M9 12h5"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </Icon>
);

/** Two sheets side by side. */
export const CompareIcon = () => (
  <Icon>
    <rect x="2.5" y="3" width="4.5" height="10" rx="1" />
    <rect x="9" y="3" width="4.5" height="10" rx="1" />
    <path d="M4 8h1.5M10.5 8H12M11.25 7.25v1.5" stroke-linecap="round" />
  </Icon>
);

/** A line that another one leaves. */
export const BranchIcon = () => (
  <Icon>
    <circle cx="4.5" cy="3.5" r="1.5" />
    <circle cx="4.5" cy="12.5" r="1.5" />
    <circle cx="11.5" cy="5" r="1.5" />
    <path d="M4.5 5v6M11.5 6.5c0 2.5-3 2.5-7 3" stroke-linecap="round" />
  </Icon>
);
