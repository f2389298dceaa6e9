package store_test

import (
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

// Two workers share a stream of jobs. One of them dies; the other takes over what it had
// not finished, so that no job is lost.
func ExampleDB_XReadGroup() {
	db := store.New(nil).DB(0)
	_ = db.XGroupCreate("jobs", "workers", nil)
	for _, name := range []string{"paint", "sand", "varnish"} {
		_, _ = db.XAdd("jobs", "do", name)
	}

	// Ada gets two, and finishes one.
	got, _ := db.XReadGroupNow("jobs", "workers", "ada", &store.XReadGroupOptions{Count: 2})
	for _, job := range got {
		what, _ := job.Get("do")
		fmt.Println("ada:", what)
	}
	_, _ = db.XAck("jobs", "workers", got[0].ID)

	// Bob gets what nobody got. A worker that has nothing to do waits, by XReadGroup.
	got, _ = db.XReadGroupNow("jobs", "workers", "bob", nil)
	what, _ := got[0].Get("do")
	fmt.Println("bob:", what)
	_, _ = db.XAck("jobs", "workers", got[0].ID)

	// Ada is heard of no more. In a program MinIdle would be a minute or so.
	_, late, _, _ := db.XAutoClaim("jobs", "workers", "bob", &store.XAutoClaimOptions{MinIdle: time.Nanosecond})
	what, _ = late[0].Get("do")
	fmt.Println("bob, for ada:", what)
	_, _ = db.XAck("jobs", "workers", late[0].ID)

	pending, _ := db.XPending("jobs", "workers", nil)
	fmt.Println(len(pending), "left")
	// Output:
	// ada: paint
	// ada: sand
	// bob: varnish
	// bob, for ada: sand
	// 0 left
}
