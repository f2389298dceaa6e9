package store

import (
	"errors"
	"maps"
	"strings"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/resp"
)

// libraries are the primary's function libraries by name, carried along unread
// so that a promoted replica and its own replicas have them. The map is
// replaced, never changed: snapshots share it.
type libraries map[string]string

func (l libraries) with(name, source string) libraries {
	n := maps.Clone(l)
	if n == nil {
		n = libraries{}
	}
	n[name] = source
	return n
}

func (l libraries) without(name string) libraries {
	n := maps.Clone(l)
	delete(n, name)
	return n
}

var errLibraryName = errors.New("store: function library without a name")

// libraryName reads the name from a library's first line, which has the form
// "#!lua name=mylib".
func libraryName(source string) (string, error) {
	line, _, _ := strings.Cut(source, "\n")
	if !strings.HasPrefix(line, "#!") {
		return "", errLibraryName
	}
	for _, word := range strings.Fields(line) {
		if name, ok := strings.CutPrefix(word, "name="); ok && name != "" {
			return strings.Trim(name, `"'`), nil
		}
	}
	return "", errLibraryName
}

// cmdFunction follows FUNCTION LOAD, DELETE, FLUSH and RESTORE of a primary. Clients are
// not offered any: what a library defines is known to those who can run it.
func cmdFunction(x *exec, args [][]byte) resp.Value {
	libs := &x.s.mu.functions
	switch {
	case isWord(args[1], "LOAD") && len(args) >= 3:
		source := string(args[len(args)-1])
		name, err := libraryName(source)
		if err != nil {
			return reply(err)
		}
		*libs = libs.with(name, source)
	case isWord(args[1], "DELETE") && len(args) == 3:
		*libs = libs.without(string(args[2]))
	case isWord(args[1], "FLUSH"):
		*libs = nil
	case isWord(args[1], "RESTORE") && len(args) <= 4 && len(args) >= 3:
		restored, err := libs.restore(args[2], args[3:])
		if err != nil {
			return reply(err)
		}
		*libs = restored
	default:
		return resp.Err("ERR FUNCTION " + string(args[1]) + " is not understood")
	}
	return resp.OK()
}

// restore is l after FUNCTION RESTORE with that policy, if there is one: APPEND, which is
// the default, REPLACE or FLUSH.
func (l libraries) restore(payload []byte, policy [][]byte) (libraries, error) {
	replace := false
	for _, word := range policy {
		switch {
		case isWord(word, "FLUSH"):
			l = nil
		case isWord(word, "REPLACE"):
			replace = true
		case !isWord(word, "APPEND"):
			return nil, wireError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
		}
	}
	d := rdb.NewFunctionsDecoder(payload, nil)
	for {
		rec, err := d.Next()
		switch {
		case err != nil:
			return nil, payloadError(err)
		case rec.Op == rdb.OpEnd:
			return l, nil
		}
		name, err := libraryName(string(rec.Value))
		if err != nil {
			return nil, err
		}
		if _, there := l[name]; there && !replace {
			return nil, wireError("ERR Library '%s' already exists", name)
		}
		l = l.with(name, string(rec.Value))
	}
}
