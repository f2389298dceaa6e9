// Command replica follows a primary and reads its data from this process's own
// memory. It shows the state of the link as it changes, and answers read commands
// typed at its prompt. Beside a redis-server on its usual port:
//
//	go run ./examples/replica redis://127.0.0.1:6379
//	> get user:42:name
//	> hget "my hash" field
//	> status
//	> help
//
// The exit code is 0 after quit, the end of the input or Ctrl-C while the link is
// well, 1 when it is down or following has stopped for good by then, and 2 when
// the command line is not understood.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
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
	s := &screen{out: out}
	r, err := replication.NewReplica(url, &replication.ReplicaOptions{
		OnState: func(_, now replication.State) {
			if now != replication.Closed {
				s.notice(fmt.Sprintf("[%v]", now))
			}
		},
	})
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }() // following, until the prompt ends or trying again cannot help

	lines := make(chan string)
	go readLines(in, lines) // ends with the process: reading from a terminal cannot be interrupted
	return prompt(ctx, r, lines, ended, s)
}

func readLines(in io.Reader, to chan<- string) {
	defer close(to)
	for s := bufio.NewScanner(in); s.Scan(); {
		to <- s.Text()
	}
}

// prompt answers lines until they end or ctx does, and returns what is wrong with the link by then.
func prompt(ctx context.Context, r *replication.Replica, lines <-chan string, ended <-chan error, s *screen) error {
	for {
		s.prompt()
		select {
		case <-ctx.Done():
			return r.Status().Err
		case err := <-ended:
			if ctx.Err() == nil {
				s.notice(fmt.Sprintf("following has stopped, reads go on: %v", err))
			}
			ended = nil
		case line, ok := <-lines:
			if !ok || line == "quit" {
				return r.Status().Err
			}
			s.answer(func(out io.Writer) { answer(r, line, out) })
		}
	}
}

// screen is the terminal, which the prompt and the link's goroutine share. What
// one of them writes while the prompt stands there goes on a line of its own, and
// the prompt comes again behind it.
type screen struct {
	mu sync.Mutex

	// mu protects the fields below.
	out      io.Writer
	prompted bool // the cursor is behind a prompt
}

func (s *screen) prompt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.prompted {
		fmt.Fprint(s.out, "> ")
	}
	s.prompted = true
}

func (s *screen) notice(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prompted {
		fmt.Fprintf(s.out, "\n%s\n> ", text)
		return
	}
	fmt.Fprintln(s.out, text)
}

// answer is for what follows a line that a person ended.
func (s *screen) answer(write func(out io.Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompted = false
	write(s.out)
}

const help = `get, hget, hgetall, exists, ttl, keys, scan ...  any command that reads; words with blanks go in "quotes"
status  the link to the primary, and how much data there is
quit    so does the end of the input`

func answer(r *replication.Replica, line string, out io.Writer) {
	words, err := split(line)
	if err != nil {
		fmt.Fprintln(out, "not understood:", err)
		return
	}
	switch {
	case len(words) == 0:
	case words[0] == "help":
		fmt.Fprintln(out, help)
	case words[0] == "status":
		printStatus(r.Status(), r.DB(0).Len(), out)
	case r.Status().FullSyncs == 0:
		fmt.Fprintln(out, noData(r.Status()))
	default:
		v, err := r.DB(0).Do(words...)
		if err != nil {
			fmt.Fprintln(out, err)
			return
		}
		printReply(out, v, "")
	}
}

// split takes a line apart by the rules that servers have for commands which a
// person types: "quotes" with escapes, or 'quotes' without.
func split(line string) ([]string, error) {
	args, err := resp.NewReader(strings.NewReader(line+"\r\n"), nil).ReadCommand()
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	return words, err
}

// noData says why there is nothing to read yet, or ever.
func noData(st replication.Status) string {
	switch {
	case st.State == replication.Stopped:
		return fmt.Sprintf("no data, and none will come: %v", st.Err)
	case st.Err != nil:
		return fmt.Sprintf("no data yet, it is being tried again: %v", st.Err)
	}
	return fmt.Sprintf("no data yet: the first sync is under way (%v)", st.State)
}

func printStatus(st replication.Status, keys int, out io.Writer) {
	fmt.Fprintf(out, "%v since %v, primary %s, last byte %s\n", st.State, since(st.Since), st.Primary, ago(st.LastIO))
	fmt.Fprintf(out, "%d keys in database 0, history %s, offset %d\n", keys, st.ID, st.Offset)
	fmt.Fprintf(out, "%d full and %d partial resyncs\n", st.FullSyncs, st.PartialSyncs)
	if st.Err != nil {
		fmt.Fprintln(out, "link:", st.Err)
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return since(t).String() + " ago"
}

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
