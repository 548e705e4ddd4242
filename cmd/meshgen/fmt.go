package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	cueformat "cuelang.org/go/cue/format"
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE|DIR...]",
		Short: "Format site files in place",
		Long: `Format CUE files in place: the given files, the CUE files of the given directories, site.cue by default; "-" formats
stdin to stdout. A file that does not parse is left as it is and fails the run.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"site.cue"}
			}
			if slices.Equal(args, []string{"-"}) {
				return c.formatStdin()
			}
			return c.format(args, check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; list what is not formatted and exit 1 if anything is")
	return cmd
}

func (c *command) formatStdin() error {
	text, err := io.ReadAll(io.LimitReader(c.stdin, load.MaxSize+1))
	if err != nil {
		return failure(err)
	}
	done, err := formatted(stdinName, text)
	if err != nil {
		return exit{exitFindings, fmt.Errorf("stdin does not parse; meshgen vet says where")}
	}
	if _, err := c.stdout.Write(done); err != nil {
		return failure(err)
	}
	return nil
}

func (c *command) format(args []string, check bool) error {
	files, err := cueFiles(args)
	if err != nil {
		return failure(err)
	}
	bad, changed := 0, 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return failure(err)
		}
		done, err := formatted(name, text)
		switch {
		case err != nil:
			fmt.Fprintf(c.stderr, "%s does not parse; meshgen vet says where\n", name)
			bad++
			continue
		case bytes.Equal(text, done):
			continue
		}
		changed++
		fmt.Fprintln(c.stdout, name)
		if check {
			continue
		}
		if err := replaceFile(name, done); err != nil {
			return failure(err)
		}
	}
	if bad > 0 || check && changed > 0 {
		return exit{code: exitFindings}
	}
	return nil
}

// formatted returns a text as cue fmt has it. What would make the parser or the printer overrun its stack is no CUE.
func formatted(name string, text []byte) ([]byte, error) {
	if faults := load.CheckSyntax(name, text); len(faults) > 0 {
		return nil, errors.New(faults[0].Message)
	}
	return cueformat.Source(text)
}

// cueFiles lists the CUE files that arguments name, directories by their own files alone.
func cueFiles(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		info, err := os.Stat(a)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, a)
			continue
		}
		found, err := filepath.Glob(filepath.Join(a, "*.cue"))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// replaceFile gives a file another text and keeps its mode.
func replaceFile(name string, text []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return writeFile(name, text, info.Mode()&fs.ModePerm)
}

// writeFile writes a file beside the old one and renames it, so that a kill leaves one of the two whole.
func writeFile(name string, text []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
