package store

import (
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// scanOptions are those of SCAN, HSCAN, SSCAN and ZSCAN.
type scanOptions struct {
	pattern  string
	all      bool // no pattern
	count    int
	typed    bool // only keys of typeName
	typeName string
}

func (o scanOptions) matches(key string) bool { return o.all || Match(o.pattern, key) }

const defaultScanCount = 10

// parseCursor reads a cursor as strtoul does, for that is what Redis 7.0 accepts:
// nothing at all is 0, a minus counts from the end of the range, and a NUL ends
// the number.
func parseCursor(arg string) (uint64, error) {
	arg, _, _ = strings.Cut(arg, "\x00")
	if arg == "" {
		return 0, nil
	}
	digits, negative := strings.CutPrefix(arg, "-")
	if !negative {
		digits, _ = strings.CutPrefix(arg, "+")
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, wireError("ERR invalid cursor")
	}
	if negative {
		n = -n
	}
	return n, nil
}

// parseScan reads the options of a scan; TYPE only where keys are scanned.
func parseScan(args [][]byte, typed bool) (o scanOptions, err error) {
	o = scanOptions{all: true, count: defaultScanCount}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return o, ErrSyntax
		}
		if err = o.parse(args[i], argString(args, i+1), typed); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *scanOptions) parse(word []byte, value string, typed bool) error {
	switch {
	case isWord(word, "MATCH"):
		o.pattern, o.all = value, value == "*"
	case isWord(word, "COUNT"):
		n, err := parseInt(value)
		if err != nil {
			return err
		}
		if n < 1 {
			return ErrSyntax
		}
		o.count = int(min(n, 1<<30))
	case isWord(word, "TYPE") && typed:
		o.typed, o.typeName = true, strings.ToLower(value)
	default:
		return ErrSyntax
	}
	return nil
}

func cmdScan(x *exec, args [][]byte) resp.Value {
	cursor, err := parseCursor(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	o, err := parseScan(args[2:], true)
	if err != nil {
		return reply(err)
	}
	var elems []resp.Value
	cursor = x.scan(x.space().tab, cursor, o.count, func(e *table.Entry) {
		if o.matches(e.Key()) && (!o.typed || strings.EqualFold(o.typeName, typeName(e))) {
			elems = append(elems, resp.BulkString(e.Key()))
		}
	})
	return scanReply(cursor, elems)
}

func scanReply(cursor uint64, elems []resp.Value) resp.Value {
	return resp.ArrayOf(resp.BulkString(strconv.FormatUint(cursor, 10)), resp.ArrayOf(elems...))
}

// elementScan puts together the reply of HSCAN, SSCAN and ZSCAN.
type elementScan struct {
	scanOptions
	elems []resp.Value
}

// add takes an element, by its name, and what is said of it.
func (s *elementScan) add(name string, about ...string) {
	if !s.matches(name) {
		return
	}
	s.elems = append(s.elems, resp.BulkString(name))
	for _, a := range about {
		s.elems = append(s.elems, resp.BulkString(a))
	}
}

// scanElements runs a scan of the collection that find finds. It calls big for a part
// of the elements of a large one, small once for a small one.
func (x *exec) scanElements(args [][]byte, find func(key string) (*table.Entry, error), big, small func(s *elementScan, e *table.Entry)) resp.Value {
	cursor, err := parseCursor(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	e, err := find(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	if e == nil {
		return scanReply(0, nil) // before a look at the options
	}
	o, err := parseScan(args[3:], false)
	if err != nil {
		return reply(err)
	}
	s := &elementScan{scanOptions: o}
	t := elementTable(e)
	if t == nil {
		small(s, e)
		return scanReply(0, s.elems)
	}
	next := x.scan(t, cursor, o.count, func(f *table.Entry) { big(s, f) })
	return scanReply(next, s.elems)
}

// elementTable is the table in which a large collection holds its elements by name, or
// nil.
func elementTable(e *table.Entry) *table.Table {
	if z := bigOf(e); z != nil {
		return z.members
	}
	return e.Fields()
}

func cmdHScan(x *exec, args [][]byte) resp.Value {
	return x.scanElements(args, x.hash,
		func(s *elementScan, f *table.Entry) { s.add(f.Key(), f.Text()) },
		func(s *elementScan, e *table.Entry) { x.heach(e, func(f, v string) { s.add(f, v) }) })
}

func cmdSScan(x *exec, args [][]byte) resp.Value {
	return x.scanElements(args, x.setAt,
		func(s *elementScan, f *table.Entry) { s.add(f.Key()) },
		func(s *elementScan, e *table.Entry) {
			for m := range x.setMembers(e) {
				s.add(m)
			}
		})
}

func cmdZScan(x *exec, args [][]byte) resp.Value {
	return x.scanElements(args, x.sorted,
		func(s *elementScan, m *table.Entry) { s.add(m.Key(), scanScore(memberScore(m), false)) },
		func(s *elementScan, e *table.Entry) {
			for _, it := range smallItems(e) {
				s.add(it.Member, scanScore(it.Score, true))
			}
		})
}
