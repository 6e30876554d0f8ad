import { useTranslation } from 'react-i18next';
import { Select } from '../ui/select.tsx';
import { LANGUAGES } from './setup.ts';

const OPTIONS = LANGUAGES.map(({ code, name }) => ({ value: code, text: name, lang: code }));

export function LanguageSelect() {
  const { t, i18n } = useTranslation();
  const change = (code: string): void => void i18n.changeLanguage(code);
  return <Select label={t('language.label')} value={i18n.language} options={OPTIONS} onChange={change} />;
}
