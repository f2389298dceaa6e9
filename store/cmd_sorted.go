package store

var sortedCommands = []Command{}
