// What a client sent, read as a server reads it that forgives nothing (RFC 9051 §9): a byte in the wrong place is an error
// of the test, and so is a second command.

export interface Sent {
  tag: string
  verb: string
  /** Atoms, and the contents of strings, in order; lists are flattened. Latin1, as on the wire. */
  tokens: string[]
}

const VERBS =
  /^(CAPABILITY|NOOP|LOGOUT|ID|ENABLE|AUTHENTICATE|LOGIN|SELECT|EXAMINE|UNSELECT|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|LIST|LSUB|XLIST|NAMESPACE|STATUS|APPEND|IDLE|FETCH|UID (FETCH|STORE|COPY|MOVE|EXPUNGE|SEARCH))$/

/** All commands of a stream that may end in the middle of one. */
export function commandsOf(stream: string): Sent[] {
  const reader = new Reader(stream)
  const commands: Sent[] = []
  let utf8 = false
  while (!reader.atEnd()) {
    if (reader.takes('DONE\r\n')) continue
    const tag = reader.match(/[A-Za-z]+\d+(?= )/y, 'a tag')
    reader.match(/ /y, 'a space')
    const verb = reader.match(/UID [A-Z]+|[A-Z]+/y, 'a verb')
    if (!VERBS.test(verb)) throw new Error(`an unknown verb: ${verb}`)
    const tokens: string[] = []
    while (!reader.takes('\r\n')) {
      reader.match(/ ?/y, 'a space')
      tokens.push(...reader.tokens(utf8))
    }
    if (verb === 'ENABLE') utf8 ||= tokens.some((word) => /UTF8|IMAP4rev2/i.test(word))
    commands.push({ tag, verb, tokens })
  }
  return commands
}

class Reader {
  private at = 0

  constructor(private readonly text: string) {}

  atEnd() {
    return this.at >= this.text.length
  }

  takes(what: string) {
    if (!this.text.startsWith(what, this.at)) return false
    this.at += what.length
    return true
  }

  match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null) this.fail(what)
    this.at += found![0].length
    return found![0]
  }

  /** One argument; of a list, all that is in it. */
  tokens(utf8: boolean): string[] {
    if (this.takes('(')) {
      const found: string[] = []
      while (!this.takes(')')) {
        this.match(/ ?/y, 'a space')
        found.push(...this.tokens(utf8))
      }
      return found
    }
    const quoted = /"((?:[^"\\\r\n\0]|\\["\\])*)"/y
    quoted.lastIndex = this.at
    const string = quoted.exec(this.text)
    if (string !== null) {
      if (!utf8 && [...string[1]].some((octet) => octet > '\x7f')) this.fail('7-bit text between quotes')
      this.at += string[0].length
      return [string[1].replace(/\\(["\\])/g, '$1')]
    }
    const literal = /\{(\d+)\+?\}\r\n/y
    literal.lastIndex = this.at
    const announced = literal.exec(this.text)
    if (announced !== null) {
      const start = this.at + announced[0].length
      this.at = start + Number(announced[1])
      return [this.text.slice(start, this.at)]
    }
    // A section may hold a list of names, a search key a flag.
    return [
      this.match(
        /\\?[A-Za-z0-9$+\-.,:;=@_#~!?&/|<>'^`*%]+(\[[A-Za-z0-9. ()_!#$&'^`|~+\-/]*\](<[\d.]+>)?)?/y,
        'an atom',
      ),
    ]
  }

  private fail(what: string): never {
    throw new Error(
      `no ${what} at ${this.at}: ${JSON.stringify(this.text.slice(Math.max(0, this.at - 60), this.at + 60))}`,
    )
  }
}
