import type { CommandOption, CommandSpec } from '../command-spec.ts'
import type { Shell } from '../documents/shells.ts'

type Options = readonly CommandOption[]
type Specs = readonly Pick<CommandSpec, 'name' | 'summary' | 'options' | 'completes'>[]

/** @param common the options that every command has */
export function completionScript(shell: Shell, specs: Specs, common: Options): string {
  return writers[shell](specs, common)
}

const writers: Readonly<Record<Shell, (specs: Specs, common: Options) => string>> = { bash, zsh, fish }

/** Options that say which config is meant, whose services are asked for. */
const PLACE = ['--config', '--env', '--root'] as const

/** Options, commands and services are completed by word; all else, as by default, by file. */
function bash(specs: Specs, common: Options): string {
  const names = specs.map(({ name }) => name)
  const cases = specs.map(
    ({ name, options = [] }) => `    ${name}) words='${longNames([...options, ...common]).join(' ')}' ;;`,
  )
  const all = [...specs.flatMap(({ options = [] }) => options), ...common]
  return `# bash completion for mtls
_mtls_services() {
  "\${COMP_WORDS[0]}" completion --services "$@" 2>/dev/null
}
_mtls() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
  local -a place=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${PLACE.join(' | ')}) place+=("\${COMP_WORDS[i]}" "\${COMP_WORDS[++i]}") ;;
      ${names.join(' | ')}) [[ -n $command ]] || command=\${COMP_WORDS[i]} ;;
    esac
  done
  COMPREPLY=()
  case $before in
    ${flagsOf(all, 'service').join(' | ')}) words=$(_mtls_services "\${place[@]}") ;;
    ${flagsOf(all, 'command').join(' | ')}) words='${names.join(' ')}' ;;
    ${flagsWithFiles(all).join(' | ')}) return ;;
    *) words='' ;;
  esac
  if [[ -z $words && $word == -* ]]; then
    case $command in
${cases.map((line) => `  ${line}`).join('\n')}
      *) words='${longNames(common).join(' ')}' ;;
    esac
  elif [[ -z $words ]]; then
    case "$command/$before" in
      /*) words='${names.join(' ')}' ;;
${wordCases(specs, (name, words) => `      ${name}/${name}) words='${words.join(' ')}' ;;`).join('\n')}
      ${servedBy(specs)
        .map((name) => `${name}/*`)
        .join(' | ')}) words=$(_mtls_services "\${place[@]}") ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _mtls mtls
`
}

function zsh(specs: Specs, common: Options): string {
  const described = specs.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`)
  const cases = specs.map(
    ({ name, options = [], completes }) =>
      `    ${name}) _arguments ${[...options.map((option) => zshOption(option, specs)), '$common', ...zshArguments(completes)].join(' ')} ;;`,
  )
  return `#compdef mtls
_mtls_services() {
  local -a place services
  local i
  for ((i = 1; i < $#words; i++)); do
    case $words[i] in ${PLACE.join(' | ')}) place+=($words[i] $words[i+1]) ;; esac
  done
  services=(\${(f)"$(mtls completion --services $place 2>/dev/null)"})
  compadd -a services
}
_mtls() {
  local -a commands common
  commands=(
${described.join('\n')}
  )
  common=(${common.map((option) => zshOption(option, specs)).join(' ')})
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

function zshArguments(completes: CommandSpec['completes']): string[] {
  if (completes === 'services') return ["'*:service:_mtls_services'"]
  const first = completes === undefined ? [] : [`'1:word:(${completes.join(' ')})'`]
  return [...first, "'*:file:_files'"]
}

function fish(specs: Specs, common: Options): string {
  const line = (condition: string, [flags, description]: Options[number]) =>
    `complete -c mtls ${condition}-l ${longName(flags).slice(2)} ${fishValue(flags, specs)}-d '${fishText(description)}'`
  const lines = [
    ...specs.map(
      ({ name, summary }) =>
        `complete -c mtls -n __fish_use_subcommand -f -a ${name} -d '${fishText(summary)}'`,
    ),
    ...wordCases(
      specs,
      (name, words) => `complete -c mtls -n '__mtls_begins ${name}' -f -a '${words.join(' ')}'`,
    ),
    `complete -c mtls -n '__fish_seen_subcommand_from ${servedBy(specs).join(' ')}' -f -a '(__mtls_services)'`,
    ...specs.flatMap(({ name, options = [] }) =>
      options.map((option) => line(`-n '__fish_seen_subcommand_from ${name}' `, option)),
    ),
    ...common.map((option) => line('', option)),
  ]
  return `# fish completion for mtls
function __mtls_services
  set -l words (commandline -opc)
  set -l place
  for i in (seq (count $words))
    if contains -- $words[$i] ${PLACE.join(' ')}
      set -a place $words[$i] $words[(math $i + 1)]
    end
  end
  mtls completion --services $place 2>/dev/null
end
function __mtls_begins
  test (commandline -opc)[-1] = $argv[1]
end
${lines.join('\n')}
`
}

/** The commands whose arguments are services. */
function servedBy(specs: Specs): string[] {
  return specs.flatMap(({ name, completes }) => (completes === 'services' ? [name] : []))
}

/** The commands whose first argument is one of a few words. */
function wordCases(specs: Specs, write: (name: string, words: readonly string[]) => string): string[] {
  return specs.flatMap(({ name, completes }) => (Array.isArray(completes) ? [write(name, completes)] : []))
}

/** Those that take such a value, as in `--service <service>`. */
function flagsOf(options: Options, value: string): string[] {
  return [...new Set(options.flatMap(([flags]) => (flags.endsWith(`<${value}>`) ? [longName(flags)] : [])))]
}

/** Those that take another value. */
function flagsWithFiles(options: Options): string[] {
  const flags = options.filter(([flags]) => takesValue(flags) && !/<(service|command)>$/.test(flags))
  return [...new Set(flags.map(([one]) => longName(one)))]
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

function zshOption([flags, description]: Options[number], specs: Specs): string {
  return `'${longName(flags)}[${zshText(description)}]${zshValue(flags, specs)}'`
}

function zshValue(flags: string, specs: Specs): string {
  if (flags.endsWith('<service>')) return ':service:_mtls_services'
  if (flags.endsWith('<command>')) return `:command:(${specs.map(({ name }) => name).join(' ')})`
  return takesValue(flags) ? ':value:_files' : ''
}

function fishValue(flags: string, specs: Specs): string {
  if (flags.endsWith('<service>')) return "-x -a '(__mtls_services)' "
  if (flags.endsWith('<command>')) return `-x -a '${specs.map(({ name }) => name).join(' ')}' `
  return takesValue(flags) ? '-r ' : ''
}

/** Inside single quotes, in a place where colons and brackets mean something. */
function zshText(text: string): string {
  return text.replaceAll("'", '’').replace(/[[\]:]/g, (sign) => `\\${sign}`)
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
