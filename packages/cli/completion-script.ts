import type { CommandOption, CommandSpec } from './command-spec.ts'

type Options = readonly CommandOption[]
type Specs = readonly Pick<CommandSpec, 'name' | 'summary' | 'options'>[]

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function isShell(name: string): name is Shell {
  return (shells as readonly string[]).includes(name)
}

/** @param common the options that every command has */
export function completionScript(shell: Shell, specs: Specs, common: Options): string {
  return writers[shell](specs, common)
}

const writers: Readonly<Record<Shell, (specs: Specs, common: Options) => string>> = { bash, zsh, fish }

/** Options and commands are completed by word; all else, as by default, by file. */
function bash(specs: Specs, common: Options): string {
  const names = specs.map(({ name }) => name)
  const cases = specs.map(
    ({ name, options = [] }) => `    ${name}) words='${longNames([...options, ...common]).join(' ')}' ;;`,
  )
  return `# bash completion for mtls
_mtls() {
  local word=\${COMP_WORDS[COMP_CWORD]} command='' words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in ${names.join(' | ')}) command=\${COMP_WORDS[i]}; break ;; esac
  done
  case $command in
${cases.join('\n')}
    *) words='${[...names, ...longNames(common)].join(' ')}' ;;
  esac
  COMPREPLY=()
  if [[ -z $command || $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}
complete -o default -F _mtls mtls
`
}

function zsh(specs: Specs, common: Options): string {
  const described = specs.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`)
  const cases = specs.map(
    ({ name, options = [] }) =>
      `    ${name}) _arguments ${[...options.map(zshOption), '$common', "'*:file:_files'"].join(' ')} ;;`,
  )
  return `#compdef mtls
_mtls() {
  local -a commands common
  commands=(
${described.join('\n')}
  )
  common=(${common.map(zshOption).join(' ')})
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _mtls ]]; then _mtls "$@"; else compdef _mtls mtls; fi
`
}

function fish(specs: Specs, common: Options): string {
  const line = (condition: string, [flags, description]: Options[number]) =>
    `complete -c mtls ${condition}-l ${longName(flags).slice(2)} ${takesValue(flags) ? '-r ' : ''}-d '${fishText(description)}'`
  const lines = [
    ...specs.map(
      ({ name, summary }) =>
        `complete -c mtls -n __fish_use_subcommand -f -a ${name} -d '${fishText(summary)}'`,
    ),
    ...specs.flatMap(({ name, options = [] }) =>
      options.map((option) => line(`-n '__fish_seen_subcommand_from ${name}' `, option)),
    ),
    ...common.map((option) => line('', option)),
  ]
  return `# fish completion for mtls\n${lines.join('\n')}\n`
}

function longNames(options: Options): string[] {
  return [...options.map(([flags]) => longName(flags)), '--help']
}

/** `--csr <file>` is named `--csr`. */
function longName(flags: string): string {
  return flags.split(' ')[0] ?? flags
}

function takesValue(flags: string): boolean {
  return flags.includes('<')
}

function zshOption([flags, description]: Options[number]): string {
  const value = takesValue(flags) ? ':value:_files' : ''
  return `'${longName(flags)}[${zshText(description)}]${value}'`
}

/** Inside single quotes, in a place where colons and brackets mean something. */
function zshText(text: string): string {
  return text.replaceAll("'", '’').replace(/[[\]:]/g, (sign) => `\\${sign}`)
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
