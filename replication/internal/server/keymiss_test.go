package server

import (
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Reads publish nothing. Who asks for keymiss, the events of absent keys, gets OK as from Redis, and a line in the log that says so.
func TestKeymissIsWithoutEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		s := New(newFake(t), &Options{Config: testConfig(t), Standalone: true, Logger: zap.New(core)})
		defer s.Close()
		c, sub := dial(t, s), dial(t, s)
		c.want("OK", "CONFIG", "SET", "notify-keyspace-events", "EA")
		if n := logs.FilterMessage("class of events accepted, without effect").Len(); n != 0 {
			t.Errorf("%d lines in the log without a class m", n)
		}
		c.want("OK", "CONFIG", "SET", "notify-keyspace-events", "EAm")
		if n := logs.FilterMessage("class of events accepted, without effect").Len(); n != 1 {
			t.Errorf("%d lines in the log, want 1", n)
		}
		c.wantReply(`["notify-keyspace-events" "AEm"]`, "CONFIG GET notify-keyspace-events")
		sub.wantReply(`["psubscribe" "__key*" 1]`, "PSUBSCRIBE __key*")
		c.wantReply("(nil)", "GET absent")
		c.want("OK", "SET", "k", "v")
		sub.wantNext(`["pmessage" "__key*" "__keyevent@0__:set" "k"]`)
	})
}
