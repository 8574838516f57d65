"""This room's refusals in Chinese, by their codes."""

CHINESE: dict[str, str] = {
    "too_many_cells": "获奖者的地区、单位和人群组合过多，请只统计一个奖项",
}
