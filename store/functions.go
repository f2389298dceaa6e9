package store

import (
	"errors"
	"maps"
	"strings"

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

// cmdFunction follows FUNCTION LOAD, DELETE and FLUSH of a primary.
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
	default:
		return resp.Err("ERR FUNCTION " + string(args[1]) + " is not understood")
	}
	return resp.OK()
}
