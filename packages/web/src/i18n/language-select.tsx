import { useTranslation } from 'react-i18next';
import { LANGUAGES } from './setup.ts';

export function LanguageSelect() {
  const { t, i18n } = useTranslation();
  return (
    <select
      className="select"
      aria-label={t('language.label')}
      value={i18n.language}
      onChange={(event) => void i18n.changeLanguage(event.target.value)}
    >
      {LANGUAGES.map(({ code, name }) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
