/** Markdown as nodes: nothing of it becomes HTML. */
import { useMemo } from "preact/hooks";
import { type Block, type Inline, markdown } from "./markdown";
import "./markdown.css";

export function MarkdownText({ text }: { text: string }) {
  const blocks = useMemo(() => markdown(text), [text]);
  return <div class="md">{blocks.map((block, index) => <OneBlock key={index} block={block} />)}</div>;
}

function OneBlock({ block }: { block: Block }) {
  switch (block.kind) {
    case "paragraph":
      return <p>{words(block.text)}</p>;
    case "heading":
      return (
        <p>
          <b class="strong">{words(block.text)}</b>
        </p>
      );
    case "code":
      return <pre>{block.text}</pre>;
    case "list": {
      const items = block.items.map((item, index) => <li key={index}>{words(item)}</li>);
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function words(parts: readonly Inline[]) {
  return parts.map((part, index) => <Words key={index} part={part} />);
}

function Words({ part }: { part: Inline }) {
  if (typeof part === "string") return <>{part}</>;
  switch (part.kind) {
    case "break":
      return <> </>;
    case "code":
      return <code>{words(part.text)}</code>;
    case "strong":
      return <b class="strong">{words(part.text)}</b>;
    case "em":
      return <em>{words(part.text)}</em>;
    case "link":
      return (
        <a href={part.href} target="_blank" rel="noopener noreferrer">
          {words(part.text)}
        </a>
      );
  }
}
