import i18next from 'i18next';
import LanguageDetector from 'i18next-browser-languagedetector';
import { initReactI18next } from 'react-i18next';
import { en } from './en.ts';
import { zhCN } from './zh-cn.ts';

export const LANGUAGES = [
  { code: 'en', name: 'English' },
  { code: 'zh-CN', name: '简体中文' },
] as const;

type LanguageCode = (typeof LANGUAGES)[number]['code'];

/** Any Chinese gets our one Chinese, any other language English. */
export function nearestLanguage(detected: string): LanguageCode {
  return detected.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export async function setUpLanguages(): Promise<void> {
  const follow = (code: string): void => {
    document.documentElement.lang = nearestLanguage(code);
  };
  i18next.on('languageChanged', follow);
  await i18next
    .use(LanguageDetector)
    .use(initReactI18next)
    .init({
      resources: { en: { translation: en }, 'zh-CN': { translation: zhCN } },
      fallbackLng: 'en',
      supportedLngs: LANGUAGES.map(({ code }) => code),
      interpolation: { escapeValue: false }, // React escapes
      detection: {
        order: ['querystring', 'localStorage', 'navigator'],
        lookupQuerystring: 'lang',
        lookupLocalStorage: 'moltbot.language',
        caches: ['localStorage'],
        convertDetectedLanguage: nearestLanguage,
      },
    });
  follow(i18next.language);
}
