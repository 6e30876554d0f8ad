import { Icon } from './icon.tsx';

type Option = Readonly<{ value: string; text: string; lang?: string }>;
type Props = Readonly<{
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
}>;

/** The system's own list, so that phones and screen readers get what they know. */
export function Select({ label, value, options, onChange }: Props) {
  return (
    <span className="select">
      <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value} lang={option.lang}>
            {option.text}
          </option>
        ))}
      </select>
      <Icon name="chevron" size={14} />
    </span>
  );
}
