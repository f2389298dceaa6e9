package resp_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// A batch: block for one command, then take all that came with it.
func ExampleReader_TryCommand() {
	wire := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" + "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n" + "*1\r\n$4\r\nPI"
	r := resp.NewReader(strings.NewReader(wire), nil)

	args, err := r.ReadCommand()
	for ok := err == nil; ok; args, ok, err = r.TryCommand() {
		fmt.Printf("%s (%d bytes)\n", args, r.LastSize())
	}
	fmt.Println(err, r.Consumed(), len(r.Raw()), r.Buffered())
	// Output:
	// [SET k v] (27 bytes)
	// [INCR n] (21 bytes)
	// <nil> 48 48 10
}

func ExampleReader_ReadValue() {
	r := resp.NewReader(strings.NewReader("%1\r\n+role\r\n$7\r\nprimary\r\n-ERR no such key\r\n"), nil)
	v, _ := r.ReadValue()
	fmt.Println(v.Kind, v)
	v, _ = r.ReadValue()
	fmt.Println(v.AsError())
	// Output:
	// map {role "primary"}
	// ERR no such key
}

func ExampleSyntaxError() {
	r := resp.NewReader(strings.NewReader("PING\r\n*1\r\nx"), nil)
	_, err := r.ReadCommand()
	for err == nil {
		_, err = r.ReadCommand()
	}
	var syntax *resp.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Printf("%q", resp.AppendError(nil, "ERR "+syntax.Msg))
	}
	fmt.Println(" at", syntax.Offset)
	// Output:
	// "-ERR Protocol error: expected '$', got 'x'\r\n" at 10
}

func ExampleAppendCommand() {
	b := resp.AppendCommand(nil, "REPLCONF", "ACK", "42")
	fmt.Printf("%q\n", b)
	// Output:
	// "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n42\r\n"
}

func ExampleWriter() {
	var out strings.Builder
	w := resp.NewWriter(&out)
	w.Value(resp.MapOf(resp.BulkString("proto"), resp.Integer(2)), 2)
	err := w.Flush() // the one error of all the calls
	fmt.Printf("%q %v\n", out.String(), err)
	// Output:
	// "*2\r\n$5\r\nproto\r\n:2\r\n" <nil>
}
