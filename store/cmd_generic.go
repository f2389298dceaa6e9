package store

import (
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// genericCommands are those for values of every type.
var genericCommands = []Command{
	{Name: "DUMP", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDump},
	{Name: "RESTORE", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdRestore},
	{Name: "RESTORE-ASKING", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdRestore},
	{Name: "OBJECT", Arity: -2, Flags: readMany, check: checkObject, keys: subKey, run: cmdObject},
	{Name: "MEMORY", Arity: -2, Flags: readMany, check: checkMemory, keys: subKey, run: cmdMemory},
	{Name: "SORT", Arity: -2, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: sortKeys, run: cmdSort},
	{Name: "SORT_RO", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSortRO},
}

func cmdDump(x *exec, args [][]byte) resp.Value {
	e := x.entry(argString(args, 1))
	if e == nil {
		return resp.NullValue()
	}
	payload, err := x.dump(e)
	if err != nil {
		return reply(err) // not seen where x is torn: the command runs again
	}
	return resp.BulkString(table.View(payload))
}

func cmdRestore(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	o, err := parseRestore(args[4:])
	if err != nil {
		return reply(err)
	}
	if !o.replace && x.ref(key).e != nil {
		return reply(ErrBusyKey) // before a look at the time to live
	}
	if o.ttl, err = parseInt(argString(args, 2)); err != nil {
		return reply(err)
	}
	return okReply(x.restore(strings.ToUpper(argString(args, 0)), key, argString(args, 3), o))
}

// parseRestore reads the options. IDLETIME and FREQ exclude each other.
func parseRestore(args [][]byte) (o restoreOptions, err error) {
	hint := ""
	o.hint = noHint
	for i := 0; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case isWord(args[i], "REPLACE"):
			o.replace = true
		case isWord(args[i], "ABSTTL"):
			o.absolute = true
		case isWord(args[i], "IDLETIME") && more && hint != "FREQ":
			hint = "IDLETIME"
			if o.hint.idle, err = parseHint(argString(args, i+1), 0, -1, "IDLETIME value, must be >= 0"); err != nil {
				return o, err
			}
			o.rest = append(o.rest, hint, argString(args, i+1))
			i++
		case isWord(args[i], "FREQ") && more && hint != "IDLETIME":
			hint = "FREQ"
			if o.hint.freq, err = parseHint(argString(args, i+1), 0, 255, "FREQ value, must be >= 0 and <= 255"); err != nil {
				return o, err
			}
			o.rest = append(o.rest, hint, argString(args, i+1))
			i++
		default:
			return o, ErrSyntax
		}
	}
	return o, nil
}

// parseHint is arg as a number from least to most, without an end if that is less.
func parseHint(arg string, least, most int64, what string) (int64, error) {
	n, err := parseInt(arg)
	if err == nil && (n < least || most >= least && n > most) {
		err = wireError("ERR Invalid %s", what)
	}
	return n, err
}

// cmdObject is OBJECT ENCODING, REFCOUNT, IDLETIME, FREQ and HELP.
func cmdObject(x *exec, args [][]byte) resp.Value {
	if err := checkObject(args); err != nil {
		return reply(err)
	}
	word := strings.ToUpper(argString(args, 1))
	if word == "HELP" {
		return helpReply("OBJECT", "ENCODING <key>", "FREQ <key>", "IDLETIME <key>", "REFCOUNT <key>")
	}
	e := x.peek(argString(args, 2))
	if e == nil {
		return resp.NullValue()
	}
	switch word {
	case "ENCODING":
		return resp.BulkString(x.encoding(e))
	case "REFCOUNT":
		return resp.Integer(refCount(e))
	case "IDLETIME":
		return x.idleTime(argString(args, 2))
	}
	return x.frequency(argString(args, 2))
}

// switching ends the errors of what only one kind of policy keeps.
const switching = " Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

// idleTime is OBJECT IDLETIME of a key that is there. Where neither LRU nor LFU is the
// policy nothing is kept, since reads should write nothing: then it is 0.
func (x *exec) idleTime(key string) resp.Value {
	switch a := x.s.ages.Load(); {
	case a == nil:
		return resp.Integer(0)
	case a.lfu:
		return resp.Err("ERR An LFU maxmemory policy is selected, idle time not tracked." + switching)
	default:
		return resp.Integer(a.idle(x.db, x.s.hash(key), a.clock()))
	}
}

// frequency is OBJECT FREQ of a key that is there.
func (x *exec) frequency(key string) resp.Value {
	a := x.s.ages.Load()
	if a == nil || !a.lfu {
		return resp.Err("ERR An LFU maxmemory policy is not selected, access frequency not tracked." + switching)
	}
	return resp.Integer(a.freq(x.db, x.s.hash(key), a.clock()))
}

func checkObject(args [][]byte) error {
	switch word := strings.ToUpper(argString(args, 1)); word {
	case "HELP":
		return checkWords("object|help", len(args) == 2)
	case "ENCODING", "REFCOUNT", "IDLETIME", "FREQ":
		return checkWords("object|"+word, len(args) == 3)
	}
	return unknownSub("OBJECT", args)
}

// checkWords refuses a sub-command that has too few or too many words.
func checkWords(name string, ok bool) error {
	if ok {
		return nil
	}
	return &Error{wrongArity(name).Str}
}

func unknownSub(name string, args [][]byte) error {
	return wireError("ERR unknown subcommand '%s'. Try %s HELP.", clip(args[1], quotedBytes), name)
}

// helpReply names the sub-commands of a command.
func helpReply(name string, subs ...string) resp.Value {
	lines := []resp.Value{resp.SimpleString(name + " <subcommand> [<arg> ...]. Subcommands are:")}
	for _, s := range append(subs, "HELP") {
		lines = append(lines, resp.SimpleString(s))
	}
	return resp.ArrayOf(lines...)
}

// embeddedBytes is the length up to which Redis keeps a string beside its object.
const embeddedBytes = 44

// encoding is what Redis calls the form that a value like e's has there. Of strings it
// tells from the value alone: a short one that was made by APPEND has another form in
// Redis.
func (x *exec) encoding(e *table.Entry) string {
	switch kindOf(e) {
	case List:
		return x.listEncoding(e)
	case Set:
		return x.setEncoding(e)
	case SortedSet:
		return x.sortedEncoding(e)
	case Stream:
		return "stream"
	case Module:
		return "raw"
	case Hash:
		return hashEncoding(e)
	}
	if _, ok := integerText(e); ok {
		return "int"
	}
	if e.Len() <= embeddedBytes {
		return "embstr"
	}
	return "raw"
}

// integerText is the integer that the string e spells, if it spells one as it would be
// printed.
func integerText(e *table.Entry) (int64, bool) {
	if e.Kind() != table.Text || e.Len() > 20 {
		return 0, false
	}
	return parseMember(e.Text())
}

// Redis has one object for each of the first integers, and calls the number of its
// users this.
const (
	sharedIntegers = 10000
	sharedUsers    = 1<<31 - 1
)

func refCount(e *table.Entry) int64 {
	if n, ok := integerText(e); ok && n >= 0 && n < sharedIntegers {
		return sharedUsers
	}
	return 1
}

// cmdMemory is MEMORY USAGE key [SAMPLES n] and HELP. Nothing is estimated by samples:
// what a collection takes is counted as it changes.
func cmdMemory(x *exec, args [][]byte) resp.Value {
	if err := checkMemory(args); err != nil {
		return reply(err)
	}
	if isWord(args[1], "HELP") {
		return helpReply("MEMORY", "USAGE <key> [SAMPLES <count>]")
	}
	for i := 3; i < len(args); i += 2 {
		if !isWord(args[i], "SAMPLES") || i+1 == len(args) {
			return reply(ErrSyntax)
		}
		n, err := parseInt(argString(args, i+1))
		if err == nil && n < 0 {
			err = ErrSyntax
		}
		if err != nil {
			return reply(err)
		}
	}
	e := x.peek(argString(args, 2))
	if e == nil {
		return resp.NullValue()
	}
	return resp.Integer(x.memory(e))
}

func checkMemory(args [][]byte) error {
	switch {
	case isWord(args[1], "HELP"):
		return checkWords("memory|help", len(args) == 2)
	case isWord(args[1], "USAGE"):
		return checkWords("memory|usage", len(args) > 2)
	}
	return unknownSub("MEMORY", args)
}

// memory is what e takes, in bytes.
func (x *exec) memory(e *table.Entry) int64 {
	n := int64(e.Size()) + slotBytes
	switch b := e.Body(); {
	case b == nil:
	case x.mode == writing:
		n += b.Bytes()
	default:
		x.s.held(func() { n += b.Bytes() })
	}
	return n
}

// slotBytes is an entry's place in the table.
const slotBytes = int64(strconv.IntSize / 8)

// held runs fn, which is short, under the writer lock, which the goroutine has inside
// of Update's closure.
func (s *Store) held(fn func()) {
	if !s.mu.TryLock() {
		if s.nested() {
			fn()
			return
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	fn()
}

func cmdSort(x *exec, args [][]byte) resp.Value {
	o, err := parseSort(args[2:], true)
	if err != nil {
		return reply(err)
	}
	out, err := x.sortKey(argString(args, 1), o)
	switch {
	case err != nil:
		return reply(err)
	case !o.store:
		return sortReply(out)
	}
	x.sortInto(o.storeKey, out)
	return resp.Integer(int64(len(out)))
}

func cmdSortRO(x *exec, args [][]byte) resp.Value {
	o, err := parseSort(args[2:], false)
	if err != nil {
		return reply(err)
	}
	out, err := x.sortKey(argString(args, 1), o)
	if err != nil {
		return reply(err)
	}
	return sortReply(out)
}

func sortReply(out []Result) resp.Value {
	elems := make([]resp.Value, len(out))
	for i, r := range out {
		elems[i] = textReply(r.Value, r.OK, nil)
	}
	return resp.ArrayOf(elems...)
}

// parseSort reads the options; STORE only where the command may write.
func parseSort(args [][]byte, writes bool) (o sortOptions, err error) {
	for i := 0; i < len(args); i++ {
		more := len(args) - i - 1
		switch {
		case isWord(args[i], "ASC"):
			o.reverse = false
		case isWord(args[i], "DESC"):
			o.reverse = true
		case isWord(args[i], "ALPHA"):
			o.alpha = true
		case isWord(args[i], "LIMIT") && more >= 2:
			o.limited = true
			if o.offset, err = parseInt(argString(args, i+1)); err == nil {
				o.limit, err = parseInt(argString(args, i+2))
			}
			if err != nil {
				return o, err
			}
			i += 2
		case isWord(args[i], "STORE") && writes && more >= 1:
			o.store, o.storeKey = true, argString(args, i+1)
			i++
		case isWord(args[i], "BY") && more >= 1:
			o.by = argString(args, i+1)
			o.asIs = !strings.Contains(o.by, "*") || o.asIs
			i++
		case isWord(args[i], "GET") && more >= 1:
			o.get = append(o.get, argString(args, i+1))
			i++
		default:
			return o, ErrSyntax
		}
	}
	return o, nil
}
