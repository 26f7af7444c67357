import type { Command } from "commander";
import { HoldfastError } from "../core/error.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** A completion script made from the command line itself, so that the two cannot differ. */
export async function completion(session: Session, shell: string, program: Command): Promise<number> {
  const words = new Map<string, readonly string[]>([["", wordsOf(program)]]);
  for (const command of program.commands) {
    words.set(command.name(), [...wordsOf(command), ...optionsOf(program)]);
    for (const child of command.commands) words.set(`${command.name()} ${child.name()}`, [...wordsOf(child), ...optionsOf(program)]);
  }
  const script = scriptFor(shell, words);
  present(session.output, { schema: "holdfast.completion/1", shell, script } as { schema: string }, null, () => [script]);
  return 0;
}

function scriptFor(shell: string, words: ReadonlyMap<string, readonly string[]>): string {
  switch (shell) {
    case "bash":
      return bash(words);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
    case "fish":
      return fish(words);
    default:
      throw new HoldfastError("usage", `there is no completion for ${JSON.stringify(shell)}; choose bash, zsh or fish`);
  }
}

function wordsOf(command: Command): readonly string[] {
  return [...command.commands.map((child) => child.name()), ...optionsOf(command)];
}

function optionsOf(command: Command): readonly string[] {
  return command.options.flatMap((option) => option.long ?? []);
}

function bash(words: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...words].map(([path, list]) => `    "${path}") words="${list.join(" ")}" ;;`);
  return [
    "_holdfast() {",
    '  local path="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) ;; *) path="${path:+$path }$word" ;; esac',
    "  done",
    '  case "$path" in',
    ...cases,
    `    *) path="\${path%% *}"; case "$path" in`,
    ...cases.map((line) => `  ${line}`),
    "    esac ;;",
    "  esac",
    '  COMPREPLY=( $(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}") )',
    '  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=( $(compgen -f -- "${COMP_WORDS[COMP_CWORD]}") )',
    "}",
    "complete -F _holdfast holdfast",
  ].join("\n");
}

function fish(words: ReadonlyMap<string, readonly string[]>): string {
  return [...words]
    .flatMap(([path, list]) => {
      const when = path === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.split(" ").at(-1) ?? ""}`;
      return list.map((word) =>
        word.startsWith("--") ? `complete -c holdfast -n "${when}" -l ${word.slice(2)}` : `complete -c holdfast -f -n "${when}" -a ${word}`,
      );
    })
    .join("\n");
}
