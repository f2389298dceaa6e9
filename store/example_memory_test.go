package store_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/understudy-go/understudy/store"
)

// A cache: what was not used for longest makes room for what comes.
func ExampleMemoryLimit() {
	s := store.New(&store.Options{MemoryLimit: store.MemoryLimit{Bytes: 1 << 20, Policy: store.AllKeysLRU}})
	page := strings.Repeat("x", 1000)
	for i := range 5000 {
		if err := s.DB(0).Set(fmt.Sprint("page:", i), page, 0); err != nil {
			fmt.Println(err)
		}
	}
	st := s.Stats()
	fmt.Println(s.DB(0).Len() > 900, st.Evicted > 3900, st.Bytes <= 1<<20+2000)

	// Without a policy nothing is removed, and what takes more memory is refused.
	err := s.SetMemoryLimit(store.MemoryLimit{Bytes: 1 << 19})
	fmt.Println(err, errors.Is(s.DB(0).Set("page:5000", page, 0), store.ErrOutOfMemory))
	// Output:
	// true true true
	// <nil> true
}
