// Command replica follows a primary and reads its data from this process's own
// memory. It shows the state of the link as it changes, and answers read commands
// typed at its prompt. Beside a redis-server on its usual port:
//
//	go run ./examples/replica redis://127.0.0.1:6379
//	> get user:42:name
//	> hgetall session:7
//	> status
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/resp"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: replica redis://[user:password@]host:port")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, in io.Reader, out io.Writer) error {
	r, err := replication.NewReplica(url, &replication.ReplicaOptions{
		OnState: func(_, now replication.State) { fmt.Fprintf(out, "[%v]\n", now) },
	})
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }() // following, until the prompt ends or trying again cannot help

	lines := make(chan string)
	go readLines(in, lines) // ends with the process: reading from a terminal cannot be interrupted
	err = prompt(ctx, r, lines, ended, out)
	cancel()
	return err
}

func readLines(in io.Reader, to chan<- string) {
	defer close(to)
	for s := bufio.NewScanner(in); s.Scan(); {
		to <- s.Text()
	}
}

// prompt answers lines until they end, following ends, or ctx does.
func prompt(ctx context.Context, r *replication.Replica, lines <-chan string, ended <-chan error, out io.Writer) error {
	for {
		fmt.Fprint(out, "> ")
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			fmt.Fprintf(out, "following has stopped, reads go on: %v\n", err)
			ended = nil
		case line, ok := <-lines:
			if !ok || line == "quit" {
				return r.Status().Err
			}
			answer(r, strings.Fields(line), out)
		}
	}
}

func answer(r *replication.Replica, words []string, out io.Writer) {
	switch {
	case len(words) == 0:
	case words[0] == "status":
		printStatus(r.Status(), r.DB(0).Len(), out)
	case r.Status().FullSyncs == 0:
		fmt.Fprintln(out, "no data yet: the first sync is under way")
	default:
		v, err := r.DB(0).Do(words...)
		if err != nil {
			fmt.Fprintln(out, err)
			return
		}
		printReply(out, v, "")
	}
}

func printStatus(st replication.Status, keys int, out io.Writer) {
	fmt.Fprintf(out, "%v since %v, primary %s, last byte %v ago\n", st.State, since(st.Since), st.Primary, since(st.LastIO))
	fmt.Fprintf(out, "%d keys in database 0, history %s, offset %d\n", keys, st.ID, st.Offset)
	fmt.Fprintf(out, "%d full and %d partial resyncs\n", st.FullSyncs, st.PartialSyncs)
	if st.Err != nil {
		fmt.Fprintln(out, "link:", st.Err)
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

// printReply writes a reply as redis-cli would, more or less.
func printReply(out io.Writer, v resp.Value, indent string) {
	switch {
	case v.IsNull():
		fmt.Fprintln(out, indent+"(nil)")
	case v.Elems != nil || v.Kind == resp.Array || v.Kind == resp.Map:
		if len(v.Elems) == 0 {
			fmt.Fprintln(out, indent+"(empty)")
		}
		for _, e := range v.Elems {
			printReply(out, e, indent+"  ")
		}
	case v.Kind == resp.Int:
		fmt.Fprintf(out, "%s%d\n", indent, v.Int)
	default:
		fmt.Fprintf(out, "%s%q\n", indent, v.Str)
	}
}
