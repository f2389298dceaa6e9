package store

import "github.com/understudy-go/understudy/store/internal/table"

// Kind is the type of a key's value.
type Kind uint8

const (
	// None is the kind of a key that is not there.
	None Kind = iota
	// String is a sequence of bytes, up to 512 MiB.
	String
	// Hash is a map from strings to strings.
	Hash
	// List is a sequence of strings.
	List
	// Set is a set of strings.
	Set
	// SortedSet is a set of strings, each with a score, in the order of the scores.
	SortedSet
	// Stream is a sequence of entries in the order of their IDs, each of pairs of strings,
	// with groups of consumers that share the reading of it.
	Stream
	// Module is a value of a type that a module of some server defines: kept as it came,
	// see opaque.go.
	Module
)

// String is Redis's name of the type; "module" for those that modules name.
func (k Kind) String() string {
	return [...]string{"none", "string", "hash", "list", "set", "zset", "stream", "module"}[k]
}

// kindOf is the kind of e's value, whatever its form; None for nil.
func kindOf(e *table.Entry) Kind {
	if e == nil {
		return None
	}
	switch e.Kind() {
	case table.Text:
		return String
	case table.SmallHash, table.DatedHash, table.BigHash:
		return Hash
	case table.SmallList, table.BigList:
		return List
	case table.IntSet, table.SmallSet, table.BigSet:
		return Set
	case table.SmallSorted, table.BigSorted:
		return SortedSet
	case table.Stream:
		return Stream
	case table.Opaque:
		return Module
	}
	return None
}

// typeName is Redis's name of e's type, "none" for nil.
func typeName(e *table.Entry) string {
	if k := kindOf(e); k != Module {
		return k.String()
	}
	return moduleType(e)
}
