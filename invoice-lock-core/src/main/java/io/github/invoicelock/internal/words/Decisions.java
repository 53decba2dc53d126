package io.github.invoicelock.internal.words;

/**
 * What a person decides by, and what they say of many at once.
 *
 * @param questions what people have the provider asked
 * @param advising what people can do
 * @param many what people say of many at once
 * @param proposals what people propose to one another
 */
public record Decisions(Questions questions, Advising advising, ManyAtOnce many, Proposals proposals) {}
