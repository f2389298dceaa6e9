package backlog_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/understudy-go/understudy/store/backlog"
)

// A follower comes back with what it has, and reads on from there.
func Example() {
	b := backlog.New(64)
	id := string(b.History().ID)
	b.Append([]byte("first second "))
	b.Append([]byte("third"))

	fmt.Println(b.Check("?", -2))
	fmt.Println(b.Check(id, 40))

	r, d, err := b.Resume(id, 6, 0, nil)
	if err != nil || !d.OK {
		panic(fmt.Sprint(d, err))
	}
	defer r.Close()
	p, err := r.Next(context.Background(), 0)
	fmt.Printf("%q %v at %d\n", p, err, r.Position())
	// Output:
	// unknown replication ID
	// ahead of the stream: has 40 bytes, window [0, 18]
	// "second third" <nil> at 18
}

// After a promotion, followers of the old history continue up to the point where the two part.
func ExampleBacklog_ShiftHistory() {
	b := backlog.New(64)
	old := string(b.History().ID)
	b.Append(make([]byte, 10))
	b.ShiftHistory()
	b.Append(make([]byte, 10))

	fmt.Println(b.Check(old, 10))
	fmt.Println(b.Check(old, 11))
	// Output:
	// accepted
	// beyond the secondary ID's limit: has 11 bytes, limit 10
}

// A reader that lags too far loses its place, not the writer its time.
func ExampleBacklog_NewReader() {
	b := backlog.New(64)
	_, err := b.NewReader(0, 100, func(err error) {
		var over backlog.ErrOverrun
		fmt.Println(errors.As(err, &over), over.Lag, over.Limit)
	})
	if err != nil {
		panic(err)
	}
	b.Append(make([]byte, 101))
	b.Wake()
	// Output: true 101 100
}
