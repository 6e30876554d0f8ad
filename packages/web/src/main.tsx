import './platform/no-eval.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { storedToken, storeToken, takeTokenFromAddress } from './auth/credential.ts';
import { SignInSession } from './auth/sign-in-session.ts';
import { setUpLanguages } from './i18n/setup.ts';
import { applyTheme, storedTheme } from './theme/theme.ts';
import { ensureRandomUuid } from './platform/random-uuid.ts';
import './styles/index.css';

ensureRandomUuid(crypto);
applyTheme(storedTheme());

const given = takeTokenFromAddress(location, history);
if (given !== undefined) storeToken(given, false);
const token = given ?? storedToken();
const session = new SignInSession();

await setUpLanguages();
if (token !== undefined) session.start(token, true);

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App session={session} />
  </StrictMode>,
);
