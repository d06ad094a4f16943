// What tools/emoji_data.mjs gives to the build: one line for each emoji.
declare module "emoji-data" {
  const lines: string;
  export default lines;
}
