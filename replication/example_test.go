package replication_test

import (
	"context"
	"fmt"
	"net"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/store"
)

// pair is a primary, and the dialer that reaches it. Programs give a net.Listener to Serve and let replicas dial its address.
func pair() (*replication.Primary, func(context.Context, string, string) (net.Conn, error)) {
	network := memnet.New(nil)
	l, err := network.Listen("primary:6379")
	if err != nil {
		panic(err)
	}
	p, err := replication.NewPrimary(store.New(nil), nil)
	if err != nil {
		panic(err)
	}
	go p.Serve(l)
	return p, network.Dial
}

// A replica takes a first sync and follows. Barrier is for those who must see what was just written elsewhere.
func Example() {
	primary, dial := pair()
	defer primary.Close()
	primary.DB(0).Set("user:42:name", "Ada", 0)

	ctx := context.Background()
	r, err := replication.Connect(ctx, "redis://primary:6379", &replication.ReplicaOptions{Dial: dial})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	fmt.Println(r.DB(0).Get("user:42:name"))

	primary.DB(0).Set("user:42:name", "Grace", 0)
	if err := r.Barrier(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.DB(0).Get("user:42:name"))
	// Output:
	// Ada <nil>
	// Grace <nil>
}

// A writer that wants to know that a replica has its transaction waits for the offset that Update returns.
func ExamplePrimary_WaitReplicas() {
	primary, dial := pair()
	defer primary.Close()
	ctx := context.Background()
	r, err := replication.Connect(ctx, "redis://primary:6379", &replication.ReplicaOptions{Dial: dial})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()

	offset, err := primary.Update(func(tx *store.Tx) error {
		if err := tx.DB(0).Set("from", "90", 0); err != nil {
			return err
		}
		return tx.DB(0).Set("to", "110", 0)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := primary.WaitReplicas(ctx, 1, offset)
	fmt.Println(n, err)
	fmt.Println(r.DB(0).Get("to"))
	// Output:
	// 1 <nil>
	// 110 <nil>
}

// A replica becomes a primary; its data and its history stay.
func ExampleReplica_Promote() {
	old, dial := pair()
	old.DB(0).Set("k", "v", 0)
	ctx := context.Background()
	r, err := replication.Connect(ctx, "redis://primary:6379", &replication.ReplicaOptions{Dial: dial})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	fmt.Println(r.DB(0).Set("k", "w", 0))

	old.Close() // it died
	p, err := r.Promote(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.DB(0).Set("k", "w", 0))
	fmt.Println(p.Status().Secondary == old.Status().ID)
	// Output:
	// READONLY You can't write against a read only replica.
	// <nil>
	// true
}
