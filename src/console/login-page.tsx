/** For whoever is not logged in. */
import { useEffect, useState } from 'preact/hooks';
import { get } from './client.js';

interface LoginProps {
  /** Why one is here; null: nothing happened. */
  readonly why: string | null;
  readonly logIn: (code: string) => void;
}

export function LoginPage({ why, logIn }: LoginProps) {
  const [hasProvider, setHasProvider] = useState(false);
  useEffect(() => {
    document.title = 'Log in · Killdeer';
    get<{ oidc: boolean }>('/v1/login-ways').then(
      ({ oidc }) => setHasProvider(oidc),
      () => undefined,
    );
  }, []);
  return (
    <main class="login">
      <h1>Killdeer</h1>
      {why !== null && (
        <p class="warning" role="alert">
          {why}
        </p>
      )}
      {hasProvider && (
        <p>
          <a class="button strong" href="/v1/login">
            Log in with your organisation
          </a>
        </p>
      )}
      <LinkForm logIn={logIn} />
    </main>
  );
}

/** A link that came by another way than a click on it. */
function LinkForm({ logIn }: Pick<LoginProps, 'logIn'>) {
  const [text, setText] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const code = text.trim().replace(/^.*#login=/, '');
    if (code !== '') logIn(code);
  };
  return (
    <form class="login-form" onSubmit={submit}>
      <p>
        A login link lets you in once, within 10 minutes: <code>killdeer login</code> prints one, and so does the first
        start of a server.
      </p>
      <label for="link">Login link</label>
      <input
        id="link"
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="strong">
        Log in
      </button>
    </form>
  );
}
