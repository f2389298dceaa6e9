package realserver

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadReply(t *testing.T) {
	for _, c := range []struct {
		in   string
		want any
	}{
		{"+OK\r\n", "OK"},
		{"+\r\n", ""},
		{"-ERR no\r\n", ReplyError("ERR no")},
		{":-12\r\n", int64(-12)},
		{"$0\r\n\r\n", ""},
		{"$4\r\na\r\nb\r\n", "a\r\nb"},
		{"$-1\r\n", nil},
		{"*-1\r\n", nil},
		{"*0\r\n", []any{}},
		{"*3\r\n:1\r\n$-1\r\n*1\r\n-E\r\n", []any{int64(1), nil, []any{ReplyError("E")}}},
	} {
		got, err := readReply(bufio.NewReader(iotest.OneByteReader(strings.NewReader(c.in))))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("readReply(%q) = %#v, %v, want %#v", c.in, got, err, c.want)
		}
	}
}

func TestReadReplyRefuses(t *testing.T) {
	for _, in := range []string{
		"", "\r\n", "+OK\n", "+OK", "!x\r\n", ":x\r\n", "$-2\r\n", "*-2\r\n", "$99999999999999999999\r\n", "*536870913\r\n",
		"$536870912\r\nshort\r\n", "$3\r\nab", "*2\r\n:1\r\n",
	} {
		if v, err := readReply(bufio.NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("readReply(%q) = %#v, want an error", in, v)
		}
	}
}

// A string cut within its bytes must not pass for a shorter one.
func TestReadReplyCutAnywhere(t *testing.T) {
	const whole = "*2\r\n$4\r\na\r\nb\r\n:12\r\n"
	for n := range len(whole) {
		_, err := readReply(bufio.NewReader(strings.NewReader(whole[:n])))
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: error %v, want an end of input", n, err)
		}
	}
}
