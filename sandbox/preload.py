"""What is imported before the snapshot, so that programs find it there."""

import abc, array, ast, bisect, builtins, cmath, collections, collections.abc, contextlib, copy
import dataclasses, datetime, decimal, enum, fractions, functools, gc, hashlib, heapq, inspect, io
import itertools, json, linecache, math, numbers, operator, random, re, statistics, string, struct
import sys, textwrap, time, traceback, types, typing, unittest

import numpy
