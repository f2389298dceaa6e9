package replication

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// SlogLogger returns a logger that hands what it gets to h, for programs that use log/slog: ReplicaOptions.Logger and PrimaryOptions.Logger take it. Fields become
// attributes of the same names; the logger's name, if any, becomes the attribute "logger".
func SlogLogger(h slog.Handler) *zap.Logger { return zap.New(slogCore{h}) }

// slogCore is a zapcore.Core on top of a slog.Handler. It holds no state: With returns a core on the handler's own WithAttrs.
type slogCore struct{ h slog.Handler }

func (c slogCore) Enabled(l zapcore.Level) bool {
	return c.h.Enabled(context.Background(), slogLevel(l))
}

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{c.h.WithAttrs(slogAttrs(fields))}
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := slog.NewRecord(e.Time, slogLevel(e.Level), e.Message, 0)
	if e.LoggerName != "" {
		r.AddAttrs(slog.String("logger", e.LoggerName))
	}
	r.AddAttrs(slogAttrs(fields)...)
	return c.h.Handle(context.Background(), r)
}

func (c slogCore) Sync() error { return nil }

func slogLevel(l zapcore.Level) slog.Level {
	switch {
	case l <= zapcore.DebugLevel:
		return slog.LevelDebug
	case l == zapcore.InfoLevel:
		return slog.LevelInfo
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// slogAttrs converts through zap's own map encoder, which knows every kind of field.
func slogAttrs(fields []zapcore.Field) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		m := zapcore.NewMapObjectEncoder()
		f.AddTo(m)
		for name, v := range m.Fields {
			attrs = append(attrs, slog.Any(name, slogValue(v)))
		}
	}
	return attrs
}

// slogValue drops the monotonic part of a time, which no handler should print.
func slogValue(v any) any {
	if t, ok := v.(time.Time); ok {
		return t.Round(0)
	}
	return v
}
