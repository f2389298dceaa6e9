package replication_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// Values of a module and function libraries, of which nothing is understood here, pass through the chain redis -> ours -> redis: those of
// the payload and what the stream does to them. In the end the servers' own digests and replies are the same at both ends.
func TestInteropOpaque(t *testing.T) {
	p := realserver.Start(t, realserver.R8, "--enable-debug-command", "yes")
	library := func(name, body string) string {
		return "#!lua name=" + name + "\nredis.register_function('" + name + "', function() return " + body + " end)"
	}
	for i := range 300 { // large enough for an index of several levels
		mustDo(t, p, "VADD", "vectors", "VALUES", "3", fmt.Sprint(i), fmt.Sprint(i*i%17), "1", fmt.Sprint("element ", i), "SETATTR", fmt.Sprintf(`{"n":%d}`, i))
	}
	mustDo(t, p, "VADD", "gone", "VALUES", "2", "1", "2", "a")
	mustDo(t, p, "VADD", "due", "VALUES", "2", "1", "2", "a")
	mustDo(t, p, "FUNCTION", "LOAD", library("one", "1"))
	mustDo(t, p, "FUNCTION", "LOAD", library("two", "2"))
	saved, _ := p.Do("FUNCTION", "DUMP").(string)
	mustDo(t, p, "FUNCTION", "DELETE", "two")

	middle := connect(t, "redis://"+p.Addr(), &replication.ReplicaOptions{Store: store.New(nil)})
	addr := serveTCP(t, middle)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	last := realserver.Start(t, realserver.R8, "--replicaof", "127.0.0.1 "+port, "--enable-debug-command", "yes")
	realserver.Await(t, 20*time.Second, func() bool { return last.Info("replication")["master_link_status"] == "up" }, "the link of the last one")

	mustDo(t, p, "RENAME", "vectors", "renamed")
	mustDo(t, p, "DEL", "gone")
	mustDo(t, p, "PEXPIREAT", "due", "4102444800000")
	mustDo(t, p, "FUNCTION", "LOAD", "REPLACE", library("one", "11"))
	mustDo(t, p, "FUNCTION", "LOAD", library("three", "3"))
	mustDo(t, p, "FUNCTION", "RESTORE", saved, "REPLACE")
	mustDo(t, p, "SET", "end", "1")
	realserver.Await(t, 20*time.Second, func() bool { return last.Do("GET", "end") == "1" }, "the end of the stream")

	for _, command := range [][]string{
		{"DEBUG", "DIGEST"}, {"VCARD", "renamed"}, {"VGETATTR", "renamed", "element 7"}, {"VEMB", "renamed", "element 299"}, {"VCARD", "due"},
		{"VSIM", "renamed", "ELE", "element 8", "COUNT", "5", "WITHSCORES"}, {"PEXPIRETIME", "due"}, {"EXISTS", "gone", "vectors"}, {"TYPE", "renamed"},
	} {
		if got, want := fmt.Sprint(last.Do(command...)), fmt.Sprint(p.Do(command...)); got != want {
			t.Errorf("%v at the end of the chain is %s, want %s", command, got, want)
		}
	}
	for _, name := range []string{"one", "two", "three"} {
		list := []string{"FUNCTION", "LIST", "LIBRARYNAME", name, "WITHCODE"}
		if got, want := fmt.Sprint(last.Do(list...)), fmt.Sprint(p.Do(list...)); got != want || len(got) < 20 {
			t.Errorf("library %s at the end of the chain is %s, want %s", name, got, want)
		}
	}
	if got := connTo(t, addr).Do("TYPE", "renamed"); got != "vectorset" {
		t.Errorf("TYPE in the middle = %v", got)
	}
}
