package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// wantNext reads what the server sends by itself.
func (c *client) wantNext(want string) {
	c.t.Helper()
	if got := c.read().String(); got != want {
		c.t.Errorf("next is %s, want %s", got, want)
	}
}

func (c *client) wantReply(want string, line string) {
	c.t.Helper()
	if got := c.do(strings.Fields(line)...); got != want {
		c.t.Errorf("%s = %s, want %s", line, got, want)
	}
}

func TestMessages(t *testing.T) {
	s := start(t, newFake(t))
	two, three, pub := dial(t, s), dial(t, s), dial(t, s)
	three.value("HELLO", "3")
	two.wantReply(`["subscribe" "news" 1]`, "SUBSCRIBE news")
	two.wantReply(`["psubscribe" "n*" 2]`, "PSUBSCRIBE n*")
	three.wantReply(`>["subscribe" "news" 1]`, "SUBSCRIBE news")
	three.wantReply(`>["ssubscribe" "news" 1]`, "SSUBSCRIBE news")
	three.wantReply(`>["psubscribe" "?" 2]`, "PSUBSCRIBE ?")
	pub.wantReply("3", "PUBLISH news m")
	pub.wantReply("1", "PUBLISH x y")
	pub.wantReply("1", "SPUBLISH news shard")
	two.wantNext(`["message" "news" "m"]`)
	two.wantNext(`["pmessage" "n*" "news" "m"]`)
	for _, want := range []string{`>["message" "news" "m"]`, `>["pmessage" "?" "x" "y"]`, `>["smessage" "news" "shard"]`} {
		three.wantNext(want)
	}
	// Introspection.
	pub.wantReply(`["news"]`, "PUBSUB CHANNELS")
	pub.wantReply(`[]`, "PUBSUB CHANNELS x*")
	pub.wantReply(`2`, "PUBSUB NUMPAT")
	pub.wantReply(`["news" 2 "none" 0]`, "PUBSUB NUMSUB news none")
	pub.wantReply(`["news"]`, "PUBSUB SHARDCHANNELS")
	pub.wantReply(`["news" 1]`, "PUBSUB SHARDNUMSUB news")
	wantFields(t, parseInfo(t, pub.value("INFO").Str), "pubsub_channels:1 pubsub_patterns:2 pubsubshard_channels:1 pubsub_clients:2")
	list := pub.value("CLIENT", "LIST", "TYPE", "pubsub").Str
	if !strings.Contains(list, " flags=P db=0 sub=1 psub=1 ssub=0 ") || !strings.Contains(list, " flags=P db=0 sub=1 psub=1 ssub=1 ") || strings.Count(list, "\n") != 2 {
		t.Errorf("CLIENT LIST TYPE pubsub = %s", list)
	}
	if normal := pub.value("CLIENT", "LIST", "TYPE", "normal").Str; strings.Count(normal, "\n") != 1 {
		t.Errorf("CLIENT LIST TYPE normal = %s", normal)
	}
	// In RESP3 other commands go on; what a client publishes to itself comes behind the reply.
	three.wantReply("(nil)", "GET none")
	three.wantReply("PONG", "PING")
	three.wantReply("3", "PUBLISH news self")
	three.wantNext(`>["message" "news" "self"]`)
	two.wantNext(`["message" "news" "self"]`)
	two.wantNext(`["pmessage" "n*" "news" "self"]`)
	three.wantReply("OK", "MULTI")
	three.wantReply("QUEUED", "PUBLISH news exec")
	three.wantReply("QUEUED", "SUBSCRIBE a b")
	three.wantReply(`[3 >["subscribe" "a" 3]]`, "EXEC")
	three.wantNext(`>["subscribe" "b" 4]`)
	three.wantNext(`>["message" "news" "exec"]`)
	pub.wantReply("2", "CLIENT KILL TYPE pubsub")
	three.gone()
}

// Subscriptions end with the connection, with RESET, and one by one.
func TestUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--timeout", "10")
		a, b := dial(t, s), dial(t, s)
		a.wantReply(`["subscribe" "x" 1]`, "SUBSCRIBE x")
		b.wantReply(`["subscribe" "x" 1]`, "SUBSCRIBE x")
		time.Sleep(time.Minute) // who is subscribed is not idle
		pub := dial(t, s)
		pub.wantReply("2", "PUBLISH x 1")
		a.wantNext(`["message" "x" "1"]`)
		a.wantReply(`["unsubscribe" "x" 0]`, "UNSUBSCRIBE x")
		pub.wantReply("1", "PUBLISH x 2")
		b.wantNext(`["message" "x" "1"]`)
		b.wantNext(`["message" "x" "2"]`)
		b.want("RESET", "RESET")
		pub.wantReply("0", "PUBLISH x 3")
		a.want("PONG", "PING")
		a.wantReply(`["subscribe" "y" 1]`, "SUBSCRIBE y")
		a.conn.Close()
		synctest.Wait()
		pub.wantReply("0", "PUBLISH y 1")
		time.Sleep(11 * time.Second)
		b.gone()
	})
}

// A subscriber that does not read is closed when its queue is full, at once. The publisher does not wait for it, and nobody else notices.
func TestSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--client-output-buffer-limit", "pubsub 100kb 0 0")
		near, far := memnet.Pipe(&memnet.Options{Buffer: 1000})
		defer near.Close()
		end := make(chan error, 1)
		go func() { end <- s.ServeConn(context.Background(), far) }()
		slow := &client{t: t, conn: near, r: resp.NewReader(near, nil)}
		slow.wantReply(`["subscribe" "c" 1]`, "SUBSCRIBE c")
		quick, pub := dial(t, s), dial(t, s)
		quick.wantReply(`["subscribe" "c" 1]`, "SUBSCRIBE c")
		began := time.Now()
		payload := strings.Repeat("x", 1000)
		both := 0
		for range 1000 {
			if pub.value("PUBLISH", "c", payload).Int == 2 {
				both++
			}
			quick.read()
			synctest.Wait()
		}
		wantEnded(t, end)
		if time.Since(began) != 0 || both < 90 || both > 200 {
			t.Errorf("%d messages of 1 KB to both, in %v, want about 100 KB at once", both, time.Since(began))
		}
		wantFields(t, parseInfo(t, pub.value("INFO").Str), "client_output_buffer_limit_disconnections:1 pubsub_clients:1")
		// The limit can be changed while somebody is subscribed.
		pub.want("OK", "CONFIG", "SET", "client-output-buffer-limit", "pubsub 500 0 0")
		pub.value("PUBLISH", "c", payload)
		synctest.Wait()
		wantEnded(t, quick.end)
	})
}

// wantEnded fails unless a connection has ended already.
func wantEnded(t *testing.T, end <-chan error) {
	t.Helper()
	select {
	case <-end:
	default:
		t.Error("the connection goes on")
	}
}

// While a client gets messages it may ask; nothing is torn, nothing lost, and both keep their order.
func TestMessagesBetweenReplies(t *testing.T) {
	const messages, questions = 3000, 1000
	s := start(t, newFake(t))
	c, pub := dial(t, s), dial(t, s)
	c.value("HELLO", "3")
	c.wantReply(`>["subscribe" "c" 1]`, "SUBSCRIBE c")
	go func() {
		var b []byte
		for i := range questions {
			b = resp.AppendCommand(b, "ECHO", fmt.Sprint(i))
		}
		c.conn.Write(b)
	}()
	go func() {
		var b []byte
		for i := range messages {
			b = resp.AppendCommand(b, "PUBLISH", "c", fmt.Sprint(i))
		}
		pub.conn.Write(b)
	}()
	for message, question := 0, 0; message < messages || question < questions; {
		v := c.read()
		switch {
		case v.Kind == resp.Push && v.Elems[2].Str == fmt.Sprint(message):
			message++
		case v.Kind == resp.Bulk && v.Str == fmt.Sprint(question):
			question++
		default:
			t.Fatalf("got %v, want message %d or the answer to question %d", v, message, question)
		}
	}
}

func TestEventsByConfig(t *testing.T) {
	s := start(t, newFake(t), "--notify-keyspace-events", "KEA")
	sub, c := dial(t, s), dial(t, s)
	sub.wantReply(`["psubscribe" "__key*" 1]`, "PSUBSCRIBE __key*")
	c.want("OK", "SET", "k", "v")
	sub.wantNext(`["pmessage" "__key*" "__keyspace@0__:k" "set"]`)
	sub.wantNext(`["pmessage" "__key*" "__keyevent@0__:set" "k"]`)
	c.want("OK", "CONFIG", "SET", "notify-keyspace-events", "")
	c.want("OK", "SET", "k", "w")
	c.want("OK", "CONFIG", "SET", "notify-keyspace-events", "Eg")
	c.wantReply("1", "DEL k")
	sub.wantNext(`["pmessage" "__key*" "__keyevent@0__:del" "k"]`)
}

// monitored are commands of one client, and what a monitor sees of them, without the times.
var monitored = []struct {
	in   []string
	want string
}{
	{[]string{"SELECT 3"}, `[3 A] "SELECT" "3"`},
	{[]string{"get a"}, `[3 A] "get" "a"`},
	{[]string{"MULTI", "SET k v", "DISCARD"}, `[3 A] "MULTI"|[3 A] "DISCARD"`},
	{[]string{"MULTI", "SET k v", "GET", "NOSUCH", "EXEC"}, `[3 A] "MULTI"|[3 A] "EXEC"`},
	{[]string{"MULTI", "SET k v", "PUBLISH a b", "EXEC"}, `[3 A] "MULTI"|[3 A] "SET" "k" "v"|[3 A] "PUBLISH" "a" "b"|[3 A] "EXEC"`},
	{[]string{"AUTH x", "AUTH u secret", "HELLO 2 AUTH default secret"}, `[3 A] "AUTH" "(redacted)"|[3 A] "AUTH" "(redacted)" "(redacted)"|` +
		`[3 A] "HELLO" "2" "AUTH" "(redacted)" "(redacted)"`},
	{[]string{"CONFIG GET port", "CLIENT KILL ID 4444", "NOSUCH", "GET", "CLIENT NOSUCH"}, ``},
	{[]string{"CLIENT INFO", "INFO x", "COMMAND COUNT", "HGET a"}, `[3 A] "CLIENT" "INFO"|[3 A] "INFO" "x"|[3 A] "COMMAND" "COUNT"`},
	{[]string{`SET "\x00\xff\n\r\t\a\b\"\\ é" "it's"`}, `[3 A] "SET" "\x00\xff\n\r\t\a\b\"\\ \xc3\xa9" "it's"`},
	{[]string{"SUBSCRIBE a", "GET a", "UNSUBSCRIBE"}, `[3 A] "SUBSCRIBE" "a"|[3 A] "UNSUBSCRIBE"`},
}

func TestMonitor(t *testing.T) {
	s := start(t, newFake(t))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	checkMonitor(t, l.Addr().String())
}

// TestMonitorOfRedis asks a real Redis 7.0 the same.
func TestMonitorOfRedis(t *testing.T) {
	checkMonitor(t, realserver.Start(t, realserver.R7, "--save", "").Addr())
}

func checkMonitor(t *testing.T, addr string) {
	t.Helper()
	dialTCP := func() *client {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &client{t: t, r: resp.NewReader(conn, nil), conn: nil, raw: conn}
	}
	mon, c := dialTCP(), dialTCP()
	mon.line("MONITOR")
	if got := mon.read().Str; got != "OK" {
		t.Fatalf("MONITOR = %q", got)
	}
	mon.line("MONITOR") // has no reply
	for _, tc := range monitored {
		for _, line := range append(slices.Clone(tc.in), "ECHO end") {
			c.line(line)
			c.read()
		}
		var got []string
		for {
			stamp, text, _ := strings.Cut(mon.read().Str, " ")
			if seconds, micros, ok := strings.Cut(stamp, "."); !ok || len(micros) != 6 || len(seconds) < 9 {
				t.Errorf("time of a line is %q", stamp)
			}
			text = strings.Replace(text, c.raw.LocalAddr().String(), "A", 1)
			if strings.HasSuffix(text, `"ECHO" "end"`) {
				break
			}
			got = append(got, text)
		}
		if line := strings.Join(got, "|"); line != tc.want {
			t.Errorf("%q shows as\n%s, want\n%s", tc.in, line, tc.want)
		}
	}
	for _, line := range []string{"GET x", "SET x y", "PUBLISH a b"} {
		mon.line(line)
		mon.wantNext("-ERR Replica can't interact with the keyspace")
	}
	mon.line("PING")
	mon.wantNext("PONG")
	if v := mon.read(); !strings.HasSuffix(v.Str, `"PING"`) {
		t.Errorf("a monitor sees %v of its own PING", v)
	}
	mon.line("RESET")
	mon.wantNext("RESET")
	c.line("ECHO unseen")
	c.read()
	mon.line("PING")
	mon.wantNext("PONG")
}

// line sends one command inline.
func (c *client) line(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.raw, text+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// A monitor that does not read is closed like a subscriber; the clients that it watches do not wait.
func TestSlowMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--client-output-buffer-limit", "pubsub 10kb 0 0")
		near, far := memnet.Pipe(&memnet.Options{Buffer: 1000})
		defer near.Close()
		end := make(chan error, 1)
		go func() { end <- s.ServeConn(context.Background(), far) }()
		mon := &client{t: t, conn: near, r: resp.NewReader(near, nil)}
		mon.want("OK", "MONITOR")
		c := dial(t, s)
		if flags := c.value("CLIENT", "LIST").Str; !strings.Contains(flags, " flags=O ") {
			t.Errorf("CLIENT LIST = %s", flags)
		}
		began := time.Now()
		for range 200 {
			c.want(strings.Repeat("x", 100), "ECHO", strings.Repeat("x", 100))
			synctest.Wait()
		}
		wantEnded(t, end)
		if time.Since(began) != 0 || s.monitors.count.Load() != 0 {
			t.Errorf("closed after %v, %d monitors left", time.Since(began), s.monitors.count.Load())
		}
	})
}

// A subscriber that turns into a replica leaves its subscriptions behind.
func TestSubscriberBecomesReplica(t *testing.T) {
	n := newFake(t)
	s := start(t, n)
	c, pub := dial(t, s), dial(t, s)
	c.value("HELLO", "3")
	c.wantReply(`>["subscribe" "x" 1]`, "SUBSCRIBE x")
	c.want("CONTINUE", "PSYNC", "?", "-1")
	pub.wantReply("0", "PUBLISH x m")
	c.send(string(resp.AppendCommand(nil, "PING")))
	c.wantNext(`["PING"]`)
}

// A monitor does not become a replica, nor does it hear why not: what it is shown would be taken for the stream.
func TestMonitorStaysOne(t *testing.T) {
	n := newFake(t)
	s := start(t, n)
	c := dial(t, s)
	c.want("OK", "MONITOR")
	c.send("PSYNC ? -1\r\nSYNC\r\nPING\r\n")
	c.wantNext("PONG")
}

// Close ends a subscriber's second goroutine too, also while it is writing to one that does not read. The bubble tells of goroutines that are left.
func TestCloseEndsPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := New(n, &Options{Config: testConfig(t)})
		near, far := memnet.Pipe(&memnet.Options{Buffer: 1000})
		defer near.Close()
		go s.ServeConn(context.Background(), far)
		c := &client{t: t, conn: near, r: resp.NewReader(near, nil)}
		c.wantReply(`["subscribe" "c" 1]`, "SUBSCRIBE c")
		if n, err := n.data.Publish("c", strings.Repeat("x", 5000)); n != 1 || err != nil {
			t.Errorf("Publish = %d, %v", n, err)
		}
		synctest.Wait()
		clients := s.clients()
		s.Close()
		select {
		case <-clients[0].pushed:
		default:
			t.Error("its goroutine goes on after Close")
		}
		if names := n.data.Channels(0, "*"); len(names) != 0 {
			t.Errorf("still subscribed to %q after Close", names)
		}
	})
}
