package replication_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

var update = flag.Bool("update", false, "rewrite the expected output of testdata/*.txt")

// TestScenarios runs the scripts in testdata. A script is a sequence of blocks: commands, a line of dashes, the output of those commands, an empty line. Comments begin with #. The
// test fails where the output differs; -update writes it anew. A bug report becomes ten lines here.
//
//	primary NAME [backlog=BYTES] [delay=DURATION] [ttl=DURATION]
//	replica NAME of=NODE [cut=yes]      a replica under its name, also a primary for others that say of=NAME
//	write NODE COMMAND ARGS...          one command, as a client of NODE; SELECT holds
//	write NODE fill=BYTES               one SET that makes exactly so many bytes of stream
//	cut NAME                            the links that NAME has made break, and it cannot make new ones
//	heal NAME                           it can again
//	settle                              let a few seconds pass, then print the state of every node
//	wait DURATION                       let time pass
//	keys NODE                           print its data
//	same NODE NODE                      compare two nodes: data, ID and offset
//	promote NAME                        make it a primary
//	follow NAME NODE                    make it a replica of NODE, whatever it was
//	restart NAME                        close the node, and make a new one of the same role on its data
//	kill NAME                           close the node; it is gone
//
// Histories are named H1, H2 in the order in which they appear.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out string
			synctest.Test(t, func(t *testing.T) { out = runScript(t, string(text)) })
			switch {
			case out == string(text):
			case *update:
				if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s: the output differs; run with -update to accept it\n%s", file, firstDifference(string(text), out))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d:\n got: %s\nwant: %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// runScript executes the commands of a script and returns the script with the output that came.
func runScript(t *testing.T, text string) string {
	sc := &scenario{t: t, net: memnet.New(nil), nodes: map[string]*scenarioNode{}}
	defer sc.close()
	var out, block strings.Builder
	skipping := false // the old output
	for line := range strings.Lines(text) {
		bare := strings.TrimSpace(line)
		if skipping && bare != "" {
			continue
		}
		skipping = false
		out.WriteString(line)
		switch {
		case bare == "----":
			out.WriteString(block.String())
			block.Reset()
			skipping = true
		case bare != "" && bare[0] != '#':
			block.WriteString(sc.run(strings.Fields(bare)))
		}
	}
	if block.Len() > 0 {
		t.Errorf("output behind the last line of dashes:\n%s", block.String())
	}
	return out.String()
}

// scenario is a network with nodes in it.
type scenario struct {
	t     *testing.T
	net   *memnet.Network
	nodes map[string]*scenarioNode
	order []string
	ids   []string // of histories, in the order in which they appeared
}

// scenarioNode is a node with its listener. primary and replica are its handles; the one that fits its role is not nil.
type scenarioNode struct {
	sc      *scenario
	name    string
	store   *store.Store
	session *store.Session
	primary *replication.Primary
	replica *replication.Replica
	popts   *replication.PrimaryOptions
	of      string
	served  chan struct{}

	mu    sync.Mutex // protects the fields below
	cut   bool
	links []net.Conn // made since the last cut
}

func (sc *scenario) close() {
	for _, name := range slices.Backward(sc.order) {
		sc.nodes[name].close()
	}
}

// run executes one command and returns its output, lines with their ends.
func (sc *scenario) run(words []string) string {
	args, opts := split(words[1:])
	out, err := "", error(nil)
	switch words[0] {
	case "primary":
		err = sc.primary(args[0], opts)
	case "replica":
		err = sc.replica(args[0], opts["of"], opts["cut"] != "")
		time.Sleep(500 * time.Millisecond) // for the first sync: where its cut falls must not depend on the scheduler
	case "write":
		err = sc.node(words[1]).write(words[2:])
	case "cut":
		sc.node(args[0]).setCut(true)
	case "heal":
		sc.node(args[0]).setCut(false)
	case "settle":
		settle()
		out = sc.states()
	case "wait":
		d, _ := time.ParseDuration(args[0])
		time.Sleep(d)
	case "keys":
		out = sc.node(args[0]).keys()
	case "same":
		out = sc.same(args[0], args[1])
	case "promote":
		err = sc.node(args[0]).promote()
	case "follow":
		err = sc.node(args[0]).follow(args[1])
	case "restart":
		err = sc.node(args[0]).restart()
	case "kill":
		sc.node(args[0]).close()
	default:
		sc.t.Fatalf("unknown command %q", words[0])
	}
	synctest.Wait()
	if err != nil {
		out += fmt.Sprintf("%s: %v\n", words[0], sc.hideIDs(err.Error()))
	}
	return out
}

// split tells options (name=value) from other words.
func split(words []string) (args []string, opts map[string]string) {
	opts = map[string]string{}
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok {
			opts[name] = value
		} else {
			args = append(args, w)
		}
	}
	return args, opts
}

func (sc *scenario) node(name string) *scenarioNode {
	n := sc.nodes[name]
	if n == nil {
		sc.t.Fatalf("no node %q", name)
	}
	return n
}

func (sc *scenario) add(n *scenarioNode) {
	n.sc = sc
	n.session = n.store.NewSession(nil)
	sc.nodes[n.name] = n
	sc.order = append(sc.order, n.name)
}

func (sc *scenario) primary(name string, opts map[string]string) error {
	size, _ := strconv.ParseInt(opts["backlog"], 10, 64)
	delay, _ := time.ParseDuration(opts["delay"])
	ttl, _ := time.ParseDuration(opts["ttl"])
	// A stream without PING: offsets in scripts count what the script wrote.
	n := &scenarioNode{name: name, store: store.New(&store.Options{BacklogBytes: size}),
		popts: &replication.PrimaryOptions{PingPeriod: time.Hour, DisklessDelay: delay, BacklogTTL: ttl}}
	sc.add(n)
	return n.startPrimary()
}

func (sc *scenario) replica(name, of string, cut bool) error {
	n := &scenarioNode{name: name, store: store.New(nil), of: of, cut: cut, popts: &replication.PrimaryOptions{PingPeriod: time.Hour}}
	sc.add(n)
	return n.startReplica()
}

func (n *scenarioNode) startPrimary() (err error) {
	n.primary, err = replication.NewPrimary(n.store, n.popts)
	if err == nil {
		n.serve(n.primary.Serve)
	}
	return err
}

func (n *scenarioNode) startReplica() (err error) {
	n.replica, err = replication.NewReplica("redis://"+n.of, n.ropts())
	if err == nil {
		go n.replica.Run(context.Background())
		n.serve(n.replica.Serve)
	}
	return err
}

func (n *scenarioNode) ropts() *replication.ReplicaOptions {
	return &replication.ReplicaOptions{
		Store: n.store, Dial: n.dial, Announce: n.name + ":6379", Timeout: time.Minute,
		Backoff: func(int) time.Duration { return 100 * time.Millisecond },
	}
}

func (n *scenarioNode) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut {
		return nil, errors.New("cut")
	}
	c, err := n.sc.net.Dial(ctx, network, addr)
	if err == nil {
		n.links = append(n.links, c)
	}
	return c, err
}

func (n *scenarioNode) serve(serve func(net.Listener) error) {
	l, err := n.sc.net.Listen(n.name + ":6379")
	if err != nil {
		n.sc.t.Fatal(err)
	}
	n.served = make(chan struct{})
	go func() {
		defer close(n.served)
		serve(l)
	}()
}

func (n *scenarioNode) close() {
	switch {
	case n.primary != nil:
		n.primary.Close()
	case n.replica != nil:
		n.replica.Close()
	}
	if n.served != nil {
		<-n.served
	}
}

func (n *scenarioNode) setCut(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = on
	if !on {
		return
	}
	for _, c := range n.links {
		c.(*memnet.Conn).Cut()
	}
	n.links = nil
}

func (n *scenarioNode) write(words []string) error {
	if size, ok := strings.CutPrefix(words[0], "fill="); ok {
		return n.fill(size)
	}
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return n.session.Do(args).AsError()
}

// fill writes one SET whose effect has exactly so many bytes.
func (n *scenarioNode) fill(text string) error {
	size, _ := strconv.Atoi(text)
	extra := 0
	if db := n.store.Replication().History().StreamDB; db != 0 {
		extra = resp.CommandSize("SELECT", "0")
	}
	for l := range size {
		if extra+resp.CommandSize("SET", "fill", strings.Repeat("x", l)) == size {
			_, err := n.store.DB(0).Do("SET", "fill", strings.Repeat("x", l))
			return err
		}
	}
	return fmt.Errorf("no SET makes %d bytes", size)
}

func (n *scenarioNode) promote() (err error) {
	if n.primary, err = n.replica.Promote(n.sc.t.Context(), n.popts); err == nil {
		n.replica, n.of = nil, ""
	}
	return err
}

func (n *scenarioNode) follow(of string) (err error) {
	ctx, cancel := context.WithTimeout(n.sc.t.Context(), 3*time.Second)
	defer cancel()
	n.of = of
	if n.replica != nil {
		return n.replica.Follow(ctx, "redis://"+of)
	}
	n.replica, err = n.primary.Follow(ctx, "redis://"+of, n.ropts())
	n.primary = nil
	return err
}

func (n *scenarioNode) restart() error {
	n.close()
	if n.primary != nil {
		return n.startPrimary()
	}
	return n.startReplica()
}

func (n *scenarioNode) status() replication.Status {
	if n.primary != nil {
		return n.primary.Status()
	}
	return n.replica.Status()
}

// states prints one line per node.
func (sc *scenario) states() string {
	var b strings.Builder
	for _, name := range sc.order {
		n := sc.nodes[name]
		st := n.status()
		if st.Role == replication.RolePrimary {
			fmt.Fprintf(&b, "%s: primary %s offset=%d", name, sc.id(st.ID), st.Offset)
		} else {
			fmt.Fprintf(&b, "%s: %s of=%s %s offset=%d full=%d partial=%d", name, st.State, n.of, sc.id(st.ID), st.Offset, st.FullSyncs, st.PartialSyncs)
		}
		if st.Secondary != "" {
			fmt.Fprintf(&b, " before=%s up to %d", sc.id(st.Secondary), st.SecondaryLimit)
		}
		if len(st.Replicas) > 0 {
			fmt.Fprintf(&b, " replicas=%s", feeds(st))
		}
		if st.LastRefusal != "" {
			fmt.Fprintf(&b, " refused: %s", st.LastRefusal)
		}
		if st.Err != nil {
			fmt.Fprintf(&b, " error: %v", sc.hideIDs(st.Err.Error()))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func feeds(st replication.Status) string {
	var list []string
	for _, r := range st.Replicas {
		list = append(list, fmt.Sprintf("%s %s lag=%d", strings.TrimSuffix(r.Addr, ":6379"), r.State, st.Offset-r.Acked))
	}
	slices.Sort(list)
	return "[" + strings.Join(list, ", ") + "]"
}

// id names a history.
func (sc *scenario) id(id string) string {
	i := slices.Index(sc.ids, id)
	if i < 0 {
		i = len(sc.ids)
		sc.ids = append(sc.ids, id)
	}
	return fmt.Sprintf("H%d", i+1)
}

func (sc *scenario) hideIDs(text string) string {
	for i, id := range sc.ids {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("H%d", i+1))
	}
	return text
}

// keys prints every key of every database that has any.
func (n *scenarioNode) keys() string {
	sn := n.store.Snapshot()
	defer sn.Close()
	var list []string
	for db := range n.store.Databases() {
		for key := range sn.DB(db).Keys() {
			if key != "fill" {
				v, _ := sn.DB(db).Do("GET", key)
				list = append(list, fmt.Sprintf("%d/%s=%s", db, key, v.Str))
			}
		}
	}
	slices.Sort(list)
	return n.name + ": " + strings.Join(list, " ") + "\n"
}

func (sc *scenario) same(a, b string) string {
	diffs := replicationtest.Diff(sc.node(a).store, sc.node(b).store)
	if len(diffs) == 0 {
		return "equal\n"
	}
	return sc.hideIDs(strings.Join(diffs, "\n")) + "\n"
}
