/**
 * What FreeSWITCH makes of the bytes an agent writes, line by line after its C source and after nothing of ours: a
 * second opinion for the fuzzer. The names of the C functions are given where one is followed.
 */

/** FreeSWITCH would do something that no agent ever means. */
export class Surprise extends Error {
  override readonly name = 'Surprise';
}

export interface Leg {
  readonly endpoint: string;
  /** Names in lower case: FreeSWITCH does not tell them apart. */
  readonly variables: Readonly<Record<string, string>>;
}

/** One `bridge`: groups tried one after the other, legs of a group at once. */
export type Bridge = readonly (readonly Leg[])[];

export interface Message {
  readonly command: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** read_packet of mod_event_socket.c, a byte at a time as there. */
export function readMessages(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  let start = 0;
  let lineEnds = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (at === start && (byte === 13 || byte === 10)) {
      start = at + 1;
      continue;
    }
    if (byte === 10) lineEnds++;
    else if (byte !== 13) lineEnds = 0;
    if (at - start + 1 >= 10_485_760) throw new Surprise('a packet cut at 10 MiB');
    if (lineEnds < 2) continue;
    const message = readMessage(bytes.toString('utf8', start, at + 1));
    start = at + 1 + message.bodyBytes;
    if (start > bytes.length) throw new Surprise('a body without an end');
    const body = bytes.toString('utf8', at + 1, start);
    if (body.includes('\0')) throw new Surprise('a NUL ends the body for the C library');
    messages.push({ ...message, body });
    at = start - 1;
    lineEnds = 0;
  }
  if (start < bytes.length) throw new Surprise('a packet without an end');
  return messages;
}

function readMessage(packet: string): Omit<Message, 'body'> & { readonly bodyBytes: number } {
  if (packet.includes('\0')) throw new Surprise('a NUL ends the packet for the C library');
  const lines: string[] = [];
  for (let rest = packet; rest !== ''; ) {
    const carriageReturn = rest.indexOf('\r');
    let next = carriageReturn >= 0 ? carriageReturn : rest.indexOf('\n');
    if (next < 0) next = rest.length;
    lines.push(rest.slice(0, next));
    while (rest[next] === '\r' || rest[next] === '\n') next++;
    rest = rest.slice(next);
  }
  const [command = '', ...others] = lines;
  const headers: [string, string][] = [];
  let bodyBytes = 0;
  for (const line of others) {
    const [text = ''] = line.split('\n', 1);
    const colon = text.indexOf(':');
    if (text === '' || colon < 0) continue;
    const value = text.slice(colon + 1).replace(/^ +/, '');
    if (/^content-length$/i.test(text.slice(0, colon))) bodyBytes = Number.parseInt(value, 10) || 0;
    headers.push([text.slice(0, colon), value]);
  }
  return { command, headers, bodyBytes };
}

/** switch_event_t with EF_UNIQ_HEADERS. */
class Variables {
  readonly #byName = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** switch_event_add_header_string. */
  add(name: string, value: string): void {
    if (name.includes('[')) throw new Surprise(`${name} names an element of an array`);
    if (value.startsWith('ARRAY::')) throw new Surprise(`${name} becomes an array`);
    this.#byName.delete(name.toLowerCase());
    if (value !== '') this.#byName.set(name.toLowerCase(), value);
  }

  delete(name: string): void {
    this.#byName.delete(name.toLowerCase());
  }

  entries(): [string, string][] {
    return [...this.#byName];
  }
}

/** switch_string_var_check_const. */
function holdsVariable(text: string): boolean {
  let dollar = false;
  for (const char of text) {
    if (char === '$') dollar = true;
    else if (dollar && char === '{') return true;
    else if (char !== '\\') dollar = false;
  }
  return false;
}

/** switch_string_has_escaped_data. */
function hasEscapes(text: string): boolean {
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
    at++;
    if ("\\nst'".includes(text[at] ?? ' ')) return true;
  }
  return false;
}

/** switch_find_end_paren. */
function endOfParen(text: string, from: number, open: string, close: string): number {
  let at = from;
  while (text[at] === ' ') at++;
  if (text[at] !== open) return -1;
  let depth = 1;
  for (at++; at < text.length; at++) {
    if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return at;
  }
  return -1;
}

const UNESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', s: ' ' };

/** cleanup_separated_string. */
function cleanedUp(text: string, delimiter: string): string {
  let out = '';
  let end = 0;
  let quoted = false;
  for (let at = text.search(/[^ ]|$/); at < text.length; at++) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (
      char === '\\' &&
      next !== '' &&
      (`'"\\${delimiter}`.includes(next) || UNESCAPED[next] !== undefined)
    ) {
      out += `'"\\${delimiter}`.includes(next) ? next : UNESCAPED[next];
      end = out.length;
      at++;
    } else if (char === "'" && (quoted || text.includes("'", at + 1))) {
      quoted = !quoted;
      if (quoted) end = out.length;
    } else {
      out += char;
      if (char !== ' ' || quoted) end = out.length;
    }
  }
  return end > 0 ? out.slice(0, end) : out;
}

/** switch_separate_string with a delimiter that is not a space. */
export function separated(given: string, givenDelimiter: string, max: number): string[] {
  let text = given;
  let delimiter = givenDelimiter;
  if (/^\^\^../s.test(text)) {
    delimiter = text.charAt(2);
    text = text.slice(3);
  }
  if (delimiter === ' ') throw new Surprise('a list separated by blanks');
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (at === start) parts.push('');
    if (parts.length >= max) break;
    const char = text.charAt(at);
    if (char === '\\') at++;
    else if (char === "'" && (quoted || text.includes("'", at + 1))) quoted = !quoted;
    else if (char === delimiter && !quoted) {
      parts[parts.length - 1] = text.slice(start, at);
      start = at + 1;
    }
  }
  if (start < text.length) parts[parts.length - 1] = text.slice(start);
  return parts.map((part) => cleanedUp(part, delimiter));
}

/** switch_event_create_brackets: fills `into` and returns what is behind the brackets. */
function takeBrackets(text: string, open: string, close: string, comma: string, into: Variables): string {
  const end = endOfParen(text, 0, open, close);
  if (end < 0) throw new Surprise('brackets without an end');
  const rest = text.slice(end + 1);
  if (new RegExp(`^ *\\${open}`).test(rest)) throw new Surprise('brackets behind brackets');
  let inside = text.slice(text.indexOf(open) + 1, end);
  let delimiter = comma;
  if (inside.startsWith('^^')) {
    delimiter = inside.charAt(2);
    inside = inside.slice(3);
  }
  for (const entry of separated(inside, delimiter, 1024)) {
    const [name = '', value] = separated(entry, '=', 2);
    if (value !== undefined) into.add(name, value);
  }
  return rest;
}

const QUOTED_COMMA = '\u0001';
const UNQUOTED_COMMA = '\u0002';

/** The commas inside [ ] of one group, as switch_ivr_originate hides them from its list of legs. */
function hideCommas(group: string): string {
  const out = group.split('');
  let end = -1;
  let quoted = false;
  let other = false;
  for (let at = 0; at < out.length; at++) {
    if (end < 0 && out[at] === '[') {
      end = endOfParen(out.join(''), at, '[', ']');
      other = out[at + 1] === '^' && out[at + 2] === '^';
      quoted = false;
    }
    if (out[at] === "'") quoted = !quoted;
    if (at < end && out[at] === ',' && out[at - 1] !== '\\')
      out[at] = quoted || other ? QUOTED_COMMA : UNQUOTED_COMMA;
    if (at === end) end = -1;
  }
  return out.join('');
}

/** What Dialhook has expanded in its own settings: names that are exported already to called legs or at a bridge, and the cause of a failed target. */
const EXPANDED_BY_US =
  /\$\{(export_vars|bridge_export_vars|originate_failed_cause|last_bridge_hangup_cause|dialhook_cause)\}/g;

/** Applications without effect on variables. */
const RUN: readonly string[] = ['hangup', 'respond', 'socket', 'answer', 'pre_answer', 'flush_dtmf', 'read'];

/** The cause with which every bridge fails. */
export const BRIDGE_CAUSE = 'USER_BUSY';

/** One channel that is given applications by an agent. */
export class Channel {
  readonly variables = new Variables();
  readonly bridges: Bridge[] = [];
  /** Every text in which FreeSWITCH would expand more than EXPANDED_BY_US. */
  readonly expanded: string[] = [];
  /** What else was run, `name data`, in order. */
  readonly ran: string[] = [];

  /** A whole stream from an agent; what it runs, in order. Answers to `connect` and `getvar` are not modelled. */
  receive(bytes: Buffer): void {
    for (const { command, headers, body } of readMessages(bytes)) {
      if (command === 'exit') {
        this.ran.push('exit');
        continue;
      }
      if (command !== 'sendmsg') throw new Surprise(`the command ${JSON.stringify(command)}`);
      const header = (name: string) => headers.find(([given]) => given.toLowerCase() === name)?.[1];
      if (header('call-command') === 'execute') {
        const isText = /^text\/plain$/i.test(header('content-type') ?? '');
        this.#run(header('execute-app-name') ?? '', header('execute-app-arg') || (isText ? body : ''));
      } else if (header('call-command') === 'xferext') {
        for (const [name, value] of headers) {
          if (name.toLowerCase() !== 'application') continue;
          const space = value.indexOf(' ');
          const application = space < 0 ? value : value.slice(0, space);
          const data = space < 0 ? '' : value.slice(space + 1);
          if (data.includes("\\'")) throw new Surprise("an application dropped for a \\'");
          this.#run(application, data);
        }
      } else throw new Surprise(`the call-command ${header('call-command')}`);
    }
  }

  /** switch_core_session_exec. */
  #run(name: string, given: string): void {
    const expands = !/^(?:true|yes|on|enabled|active|allow|[1-9]\d*)$/i.test(
      this.variables.get('app_disable_expand_variables') ?? '',
    );
    const data = expands ? this.#expand(given) : given;
    if (expands && /^%.?\[/.test(data)) throw new Surprise('scope variables');
    if (name === 'set') this.#set(data);
    else if (name === 'multiset') this.#multiset(data);
    else if (name === 'export') this.#export(data);
    else if (name === 'unset') this.variables.delete(data);
    else if (name === 'bridge') {
      this.bridges.push(this.#originate(data));
      this.variables.add('originate_failed_cause', BRIDGE_CAUSE);
    } else if (RUN.includes(name)) this.ran.push(`${name} ${data}`.trim());
    else throw new Surprise(`the application ${JSON.stringify(name)}`);
  }

  #expand(text: string): string {
    const expanded = text.replaceAll(EXPANDED_BY_US, (_, name: string) => this.variables.get(name) ?? '');
    if (holdsVariable(expanded) || hasEscapes(expanded)) this.expanded.push(text);
    return expanded;
  }

  /** base_set of mod_dptools.c: an equals sign or else a comma; expands whatever the channel says. */
  #set(data: string): void {
    const at = data.includes('=') ? data.indexOf('=') : data.indexOf(',');
    if (at < 0) this.variables.delete(data);
    else this.variables.add(data.slice(0, at), this.#expand(data.slice(at + 1)));
  }

  /** multiset_function of mod_dptools.c. */
  #multiset(data: string): void {
    for (const setting of separated(data, ' ', 256)) this.#set(setting);
  }

  /** switch_channel_export_variable_var_check. */
  #export(data: string): void {
    const at = data.indexOf('=');
    const name = at < 0 ? data : data.slice(0, at);
    const value = at < 0 ? '' : data.slice(at + 1);
    this.variables.add(name, value);
    if (value === '') return;
    const before = this.variables.get('export_vars');
    this.variables.add('export_vars', before === undefined ? name : `${before},${name}`);
  }

  /** switch_channel_process_export. */
  #exported(into: Variables): void {
    const names = this.variables.get('export_vars');
    if (names === undefined) return;
    for (const name of separated(names, ',', 256)) {
      const value = this.variables.get(name);
      if (value !== undefined) into.add(name.replace(/^(?:nolocal:|_nolocal_)/i, ''), value);
    }
  }

  /** audio_bridge_function and switch_ivr_originate. */
  #originate(dialled: string): Bridge {
    if (dialled.includes(':_:')) throw new Surprise('enterprise originate');
    const shared = new Variables();
    this.#exported(shared);
    let data = dialled.replace(/^ +/, '');
    if (/origination_nested_vars=true/i.test(data)) throw new Surprise('nested variables');
    if (data.startsWith('<')) throw new Surprise('variables for all');
    if (data.startsWith('{')) data = takeBrackets(data, '{', '}', ',', shared);
    data = data.replace(/^ +/, '');
    if (data === '') throw new Surprise('no origination URL');
    return separated(data, '|', 128).map((group) =>
      separated(hideCommas(group), ',', 128).map((leg) => this.#leg(leg, shared)),
    );
  }

  #leg(given: string, shared: Variables): Leg {
    const own = new Variables();
    let text = given.replace(/^ +/, '');
    if (text.startsWith('['))
      text = takeBrackets(text.replaceAll(QUOTED_COMMA, ','), '[', ']', UNQUOTED_COMMA, own);
    const endpoint = text.replace(/^ +/, '');
    const variables = new Variables();
    for (const [name, value] of [...own.entries(), ...shared.entries()]) {
      if (holdsVariable(value)) throw new Surprise(`${name} is dropped for the variable it holds`);
      variables.add(name, value);
    }
    return { endpoint, variables: Object.fromEntries(variables.entries()) };
  }
}
