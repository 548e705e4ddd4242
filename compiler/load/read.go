package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diag"
)

// file is one input, unread by any parser.
type file struct {
	name string // as the user named it, with forward slashes
	dir  string // folder on disk, where a CUE module may begin; "" for input from memory
	data []byte
}

// ext returns the format of the file as the ending of its name.
func (f file) ext() string { return strings.ToLower(filepath.Ext(f.name)) }

func readAll(paths []string, opt Options) ([]file, diag.List) {
	var files []file
	var faults diag.List
	left := int64(MaxSize)
	add := func(name string, open func() (io.ReadCloser, error)) {
		data, err := readOne(open, &left)
		switch {
		case errors.Is(err, errTooLarge):
			faults = append(faults, tooLarge(name))
		case err != nil:
			faults = append(faults, finding(CannotRead, diag.Pos{File: name}, "", "%s", readError(err)).Finding)
		default:
			files = append(files, file{name: name, dir: filepath.Dir(filepath.FromSlash(name)), data: data})
		}
	}
	for _, p := range paths {
		if p == "-" {
			name := opt.StdinName
			if name == "" {
				name = "-"
			}
			if opt.Stdin == nil {
				faults = append(faults, finding(CannotRead, diag.Pos{File: name}, "", "there is no standard input to read").Finding)
				continue
			}
			add(name, func() (io.ReadCloser, error) { return io.NopCloser(opt.Stdin), nil })
			continue
		}
		names, err := expand(p)
		if err != nil {
			faults = append(faults, finding(CannotRead, diag.Pos{File: filepath.ToSlash(p)}, "", "%s", readError(err)).Finding)
		}
		for _, name := range names {
			add(filepath.ToSlash(name), func() (io.ReadCloser, error) { return os.Open(name) })
		}
	}
	if len(files) == 0 && len(faults) == 0 {
		faults = append(faults, finding(CannotRead, diag.Pos{}, "", "no input is named").Finding)
	}
	return files, faults
}

var errTooLarge = errors.New("too large")

// readOne reads at most *left bytes and takes what it read off it.
func readOne(open func() (io.ReadCloser, error), left *int64) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, *left+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > *left {
		return nil, errTooLarge
	}
	*left -= int64(len(data))
	return bytes.Clone(data), nil // without the room in which it was read: a fleet's texts stay until their turn
}

// expand returns the files that a path stands for: itself, or the CUE files of a folder as CUE counts them.
func expand(p string) ([]string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		if !slices.Contains(formats, file{name: p}.ext()) {
			return nil, fmt.Errorf("the ending is none of %s", strings.Join(formats, " "))
		}
		return []string{filepath.Clean(p)}, nil
	}
	if !info.IsDir() {
		return nil, errors.New("neither a file nor a folder")
	}
	names, err := packageFiles(p)
	if err == nil && len(names) == 0 {
		err = errors.New("the folder holds no .cue file")
	}
	return names, err
}

var formats = []string{".cue", ".yaml", ".yml", ".json"}

// packageFiles lists the CUE files of a folder, without tests, tools and hidden ones.
func packageFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		n := e.Name()
		skip := e.IsDir() || !strings.HasSuffix(n, ".cue") || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_") ||
			strings.HasSuffix(n, "_test.cue") || strings.HasSuffix(n, "_tool.cue")
		if !skip {
			names = append(names, filepath.Join(dir, n))
		}
	}
	return names, nil
}

// readError says what the operating system said, without repeating the path that stands before it.
func readError(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return "cannot be read: " + pe.Err.Error()
	}
	return "cannot be read: " + err.Error()
}
