/** The theme: the system's, light or dark; kept in this browser. */
import { effect, signal } from "@preact/signals";
import { Icon, type IconName } from "../parts/icon";

type Theme = "system" | "light" | "dark";

const KEY = "dagscope.theme";
const CHOICES: readonly { theme: Theme; word: string; icon: IconName }[] = [
  { theme: "system", word: "System", icon: "system" },
  { theme: "light", word: "Light", icon: "sun" },
  { theme: "dark", word: "Dark", icon: "moon" },
];

function kept(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = signal<Theme>(kept());

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === "system") delete dataset["theme"];
  else dataset["theme"] = theme.value;
  localStorage.setItem(KEY, theme.value);
});

export function ThemeSwitch() {
  return (
    <span class="theme" role="radiogroup" aria-label="Theme">
      {CHOICES.map(({ theme: choice, word, icon }) => (
        <label key={choice} title={word}>
          <input type="radio" name="theme" checked={theme.value === choice} onChange={() => (theme.value = choice)} />
          <Icon name={icon} />
          <span class="vh">{word}</span>
        </label>
      ))}
    </span>
  );
}
